#include "kernels/attention/attention.h"
#include "kernels/launches.h"

namespace dsnk {

void attention_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<AttentionParams>();
  launchOver(p, plan, "attention_f32", "attention_rows_f32", attentionBatch(q) * q.rows * ceilDiv(q.depth, 128), 8);
}

}  // namespace dsnk
