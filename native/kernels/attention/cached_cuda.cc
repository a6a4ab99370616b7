// Plans of attention over caches on GPUs: attention_cached.cu, and attention_flash.cu for many queries.
#include "kernels/attention/cached.h"
#include "kernels/attention/flash_tiles.h"
#include "kernels/launches.h"

namespace dsnk {

constexpr const char* kModule = "attention_cached";
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
  const int64_t splits = records ? cachedSplits(q) : 1, parts = ceilDiv(q.depth, kCachedDepths);
  const int64_t units = q.batch * q.keyHeads * ceilDiv(cachedRows(q), kCachedQueries) * parts * splits;
  launchOver(p, plan, kModule, entry, units, 1, static_cast<uint32_t>(cachedSharedBytes(q)), records ? 1 : 0,
             merges ? 1 : 0);
  if (!merges) return;
  plan.scratch(static_cast<uint64_t>(q.batch * q.rows * q.heads * splits * cachedRecord(q)) * 4);
  planMerge(p, plan, "attention_cached_merge");
}

// Entries of flash.cuh for heads of up to `width` numbers, of halves and of bfloats.
struct FlashShape {
  int32_t width, rows;
  uint32_t bytes;
  const char* entry[2];
};
template <class T>
static constexpr FlashShape flashShape(const char* halves, const char* bfloats) {
  return {T::width, T::rows, T::bytes, {halves, bfloats}};
}
static constexpr FlashShape kFlashShapes[] = {
    flashShape<Flash64>("flash_cached_f16_64", "flash_cached_bf16_64"),
    flashShape<Flash96>("flash_cached_f16_96", "flash_cached_bf16_96"),
    flashShape<Flash128>("flash_cached_f16_128", "flash_cached_bf16_128"),
    flashShape<Flash256>("flash_cached_f16_256", "flash_cached_bf16_256"),
};
static constexpr FlashShape kFlashCapped[] = {
    flashShape<FlashCapped>("flash_cached_f16_softcap_128", "flash_cached_bf16_softcap_128"),
    flashShape<Flash256>("flash_cached_f16_softcap_256", "flash_cached_bf16_softcap_256"),
};

// Many queries on the matrix units; what these entries do not have goes to the ones above.
static void planFlash(const GpuProblem& p, LaunchPlan& plan, int type, const char* general) {
  const auto& q = p.as<CachedAttentionParams>();
  if (cachedIsEmpty(q)) return;
  const bool capped = q.softcap > 0;
  const int64_t widest = q.width > q.depth ? q.width : q.depth;
  const FlashShape *shape = capped ? kFlashCapped : kFlashShapes, *last = capped ? kFlashCapped + 1 : kFlashShapes + 3;
  while (shape < last && shape->width < widest) shape++;
  const int64_t blocks = ceilDiv(cachedRows(q), shape->rows) * q.batch * q.keyHeads;
  if (q.split != 0 || q.rows <= kSplitRows || widest > shape->width || q.capacity > INT32_MAX / 2 ||
      blocks > INT32_MAX || p.has(CachedOperand::bias) || p.has(CachedOperand::slopes) ||
      p.gpu->sharedBytes < shape->bytes)
    return planCached(p, plan, general);
  Launch launch("attention_flash", shape->entry[type]);
  launch.grid[0] = static_cast<uint32_t>(blocks);
  launch.threads = Flash128::threads;
  launch.sharedBytes = shape->bytes;
  plan.add(launch);
}

void attention_cached_f16_sm80(const GpuProblem& p, LaunchPlan& plan) { planFlash(p, plan, 0, "attention_cached_f16"); }
void attention_cached_bf16_sm80(const GpuProblem& p, LaunchPlan& plan) {
  planFlash(p, plan, 1, "attention_cached_bf16");
}
void attention_cached_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_f32"); }
void attention_cached_f16_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_f16"); }
void attention_cached_bf16_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_bf16"); }
void attention_cached_i8_sm72(const GpuProblem& p, LaunchPlan& plan) { planCached(p, plan, "attention_cached_i8"); }
void attention_merge_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planMerge(p, plan, "attention_merge_f32"); }

}  // namespace dsnk
