// Plans of the cache's rows for GPUs: cache_append.cu, rope.cu.
#include "kernels/cache/params.gen.h"
#include "kernels/launches.h"

namespace dsnk {

static void planAppend(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<CacheAppendParams>();
  launchOver(p, plan, "cache_append", entry, q.batch * q.rows * q.keyHeads, 8);
}
void cache_append_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planAppend(p, plan, "cache_append_f32"); }
void cache_append_f16_sm72(const GpuProblem& p, LaunchPlan& plan) { planAppend(p, plan, "cache_append_f16"); }
void cache_append_bf16_sm72(const GpuProblem& p, LaunchPlan& plan) { planAppend(p, plan, "cache_append_bf16"); }
void cache_append_i8_sm72(const GpuProblem& p, LaunchPlan& plan) { planAppend(p, plan, "cache_append_i8"); }

void rope_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<RopeParams>();
  launchOver(p, plan, "rope", "rope_f32", q.batch * q.rows * q.heads * (q.width - q.rotary / 2), 256);
}

}  // namespace dsnk
