#include "kernels/launches.h"
#include "kernels/pool/pool.h"

namespace dsnk {

template <class Params>
static int64_t outputsOf(const Params& p) {
  return int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2] * p.channels;
}

void pool_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<PoolParams>();
  const int64_t outputs = outputsOf(q);
  if (tapsOfPool(q) >= 64 && outputs < 4096 * int64_t{p.gpu->multiprocessors})
    return launchOver(p, plan, "pool", "pool_windows_f32",
                      outputs == 0 ? 0 : outputs / q.channels * ceilDiv(q.channels, 32), 1);
  launchOver(p, plan, "pool", "pool_f32", outputs, q.channels % 4 == 0 ? 1024 : 256);
}
void pool_u8_sm72(const GpuProblem& p, LaunchPlan& plan) {
  launchOver(p, plan, "pool", "pool_u8", outputsOf(p.as<PoolParams>()), 1024);
}
void pool_i8_sm72(const GpuProblem& p, LaunchPlan& plan) {
  launchOver(p, plan, "pool", "pool_i8", outputsOf(p.as<PoolParams>()), 1024);
}

#define DSNK_ROW(type)                                                                             \
  void pool_indices_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) {                         \
    launchOver(p, plan, "pool", "pool_indices_" #type, outputsOf(p.as<PoolIndicesParams>()), 256); \
  }
DSNK_ROW(f32)
DSNK_ROW(u8)
DSNK_ROW(i8)
#undef DSNK_ROW

}  // namespace dsnk
