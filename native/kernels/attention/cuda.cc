// Plans of attention over operands of float32 on GPUs: attention_f32.cu, and attention_fed.cu where products may be rounded.
#include "kernels/attention/attention.h"
#include "kernels/attention/fed_tiles.h"
#include "kernels/attention/flash_tiles.h"
#include "kernels/launches.h"

namespace dsnk {

void attention_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<AttentionParams>();
  launchOver(p, plan, "attention_f32", "attention_rows_f32", attentionBatch(q) * q.rows * ceilDiv(q.depth, 128), 8);
}

struct FedEntries {
  const char *round, *narrow, *wide, *masked;
};

// Few queries are not worth the rounding of all keys. Keys whose heads overlap could need any amount of scratch.
static void planFed(const GpuProblem& p, LaunchPlan& plan, const FedEntries& entries) {
  const auto& q = p.as<AttentionParams>();
  const int64_t widest = q.width > q.depth ? q.width : q.depth, batch = attentionBatch(q);
  const bool masked = q.mask != static_cast<int32_t>(AttentionMask::none), narrow = !masked && widest <= Flash64::width;
  const int64_t rows = masked ? FlashCapped::rows : narrow ? Flash64::rows : Flash128::rows;
  const uint32_t bytes = masked ? FlashCapped::bytes : narrow ? Flash64::bytes : Flash128::bytes;
  bool fits = q.rows > 16 && widest <= Flash128::width && q.width > 0 && q.depth > 0 && q.keys > 0 &&
              q.keys <= INT32_MAX / 2 && batch <= INT32_MAX / ceilDiv(q.rows, rows) && p.gpu->sharedBytes >= bytes;
  if (fits) {
    int64_t heads = 1;
    for (int d = 0; d < kAttentionBatchDims; d++) heads *= fedMoves(q, d) ? q.batch[d] : 1;
    fits = static_cast<uint64_t>(heads) <=
           8 * (p.operandBytes[2] + p.operandBytes[3]) / static_cast<uint64_t>(q.keys * (q.width + q.depth));
  }
  if (!fits) return attention_f32_sm72(p, plan);
  const FedLayout layout = fedLayout(q);
  plan.scratch(static_cast<uint64_t>(layout.all) * 2);
  launchOver(p, plan, "attention_fed", entries.round, layout.all / 8, 256);
  Launch launch("attention_fed", masked ? entries.masked : narrow ? entries.narrow : entries.wide);
  launch.grid[0] = static_cast<uint32_t>(batch * ceilDiv(q.rows, rows));
  launch.threads = Flash128::threads;
  launch.sharedBytes = bytes;
  plan.add(launch);
}

void attention_f16_sm80(const GpuProblem& p, LaunchPlan& plan) {
  planFed(p, plan, {"flash_round_f16", "flash_fed_f16_64", "flash_fed_f16_128", "flash_fed_f16_mask"});
}
void attention_bf16_sm80(const GpuProblem& p, LaunchPlan& plan) {
  planFed(p, plan, {"flash_round_bf16", "flash_fed_bf16_64", "flash_fed_bf16_128", "flash_fed_bf16_mask"});
}

}  // namespace dsnk
