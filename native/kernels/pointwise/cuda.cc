#include "kernels/launches.h"
#include "kernels/pointwise/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

// Four elements a thread, which has its share of shared memory for every register of the program.
static void planSteps(const GpuProblem& p, LaunchPlan& plan, const char* entry, int64_t elementBytes) {
  const auto& q = p.as<PointwiseParams>();
  const int64_t shared = 256 * 4 * elementBytes * q.registers;
  launchOver(p, plan, "pointwise", entry, product(q.dims, q.rank), 256 * 4, static_cast<uint32_t>(shared));
}

#define DSNK_ROW(type, bytes)                                              \
  void pointwise_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) {    \
    planSteps(p, plan, "pointwise_" #type, bytes);                         \
  }                                                                        \
  void pointwise_to_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) { \
    planSteps(p, plan, "pointwise_" #type, bytes);                         \
  }
DSNK_ROW(f32, 4)
DSNK_ROW(i32, 4)
DSNK_ROW(i64, 8)
DSNK_ROW(u8, 1)
#undef DSNK_ROW

}  // namespace dsnk
