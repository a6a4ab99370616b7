// Plans of attention over caches on GPUs: attention_cached.cu.
#include "kernels/attention/cached.h"
#include "kernels/launches.h"

namespace dsnk {

constexpr const char* kModule = "attention_cached";
// As in attention_cached.cu: queries of a block, tokens of a tile, numbers of the depth in a block, widest queries in
// shared memory.
constexpr int64_t kQueries = 8, kTile = 256, kDepths = 1024, kSharedWidth = 1024;
// Up to so many queries a row of the batch, splits go to blocks of their own: a few queries alone leave a GPU idle.
constexpr int64_t kSplitRows = 16;

static void planMerge(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<CachedAttentionParams>();
  launchOver(p, plan, kModule, entry, q.batch * q.rows * q.heads * q.depth, 256);
}

static void planCached(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<CachedAttentionParams>();
  if (cachedIsEmpty(q)) return;
  const bool records = q.split != 0 || q.rows <= kSplitRows, merges = records && q.split == 0;
  const int64_t splits = records ? cachedSplits(q) : 1, parts = ceilDiv(q.depth, kDepths);
  const int64_t units = q.batch * q.keyHeads * ceilDiv(cachedRows(q), kQueries) * parts * splits;
  const int64_t width = q.width <= kSharedWidth ? roundUp(q.width, 16) : 0;
  const int64_t tile = kQueries * (width + kTile) * 4 + kTile * 8,
                columns = ceilDiv(q.depth < kDepths ? q.depth : kDepths, 4);
  const int64_t meeting = kTile / columns * columns * kQueries * 4 * 4;
  launchOver(p, plan, kModule, entry, units, 1, static_cast<uint32_t>(tile > meeting ? tile : meeting), records ? 1 : 0,
             merges ? 1 : 0);
  if (!merges) return;
  plan.scratch(static_cast<uint64_t>(q.batch * q.rows * q.heads * splits * cachedRecord(q)) * 4);
  planMerge(p, plan, "attention_cached_merge");
}

void attention_cached_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_f32"); }
void attention_cached_f16_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_f16"); }
void attention_cached_bf16_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_bf16"); }
void attention_cached_i8_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_i8"); }
void attention_merge_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planMerge(p, plan, "attention_merge_f32"); }

}  // namespace dsnk
