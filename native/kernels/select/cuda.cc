#include "kernels/launches.h"
#include "kernels/select/params.gen.h"

namespace dsnk {

static void planArg(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<ArgReduceParams>();
  launchOver(p, plan, "select", entry, q.outer * q.inner, q.inner == 1 ? 8 : 256);
}
static void planTopk(const GpuProblem& p, LaunchPlan& plan, const char* entry, const char* longEntry) {
  const auto& q = p.as<TopkParams>();
  if (q.k == 0) return;
  const bool isLong = isLongRow(p, q.outer * q.inner, q.n);
  launchOver(p, plan, "select", isLong ? longEntry : entry, q.outer * q.inner, isLong ? 1 : 8);
}

#define DSNK_ROW(type)                                                                                            \
  void arg_reduce_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) { planArg(p, plan, "arg_reduce_" #type); } \
  void topk_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) {                                                \
    planTopk(p, plan, "topk_" #type, "topk_long_" #type);                                                         \
  }
DSNK_ROW(f32)
DSNK_ROW(f16)
DSNK_ROW(bf16)
DSNK_ROW(i32)
DSNK_ROW(i64)
DSNK_ROW(u8)
DSNK_ROW(i8)
#undef DSNK_ROW

}  // namespace dsnk
