// The contracts of `attention_cached` and `attention_merge`: operands and strides in lib/kernels/cache.ts.
#include "kernels/attention/cached.h"

namespace dsnk {

// What both kernels have in common. `sums`: the operand of partial sums, where there is one.
static const char* verifyShape(const Check& c, const CachedAttentionParams& p, bool hasSums, uint32_t sums) {
  if (!isDim(p.batch) || !isDim(p.heads) || !isDim(p.depth) || !isDim(p.width))
    return "dimensions must be in [0, 2^40]";
  if (p.rows < 0 || p.rows > kMaxTokens || p.capacity < 0 || p.capacity > kMaxTokens)
    return "rows and capacity must be in [0, 2^31)";
  if (p.keyHeads <= 0 || p.heads % p.keyHeads != 0) return "heads must be a multiple of keyHeads";
  if (p.fresh < 0 || p.fresh > p.capacity) return "fresh must be in [0, capacity]";
  if (p.window < 0 || p.window > kMaxTokens) return "window must be in [0, 2^31)";
  if ((p.causal | 1) != 1 || (p.split | 1) != 1 || (p.columnBias | 1) != 1) return "flags must be 0 or 1";
  if (p.empty < 0 || p.empty >= kAttentionEmptyCount) return "empty must be a member of AttentionEmpty";
  if (!areStrides(p.strideY)) return "strides must be in [0, 2^48]";
  const Size rows = Size(p.batch) * Size(p.rows) * Size(p.heads);
  // Far below what any product of them in scratch could overflow.
  if (!(Size(p.rows) * Size(p.heads) * (Size(p.width) + Size(p.depth) + Size(256))).fits(uint64_t{1} << 44))
    return "rows x heads x width must be below 2^44";
  if (hasSums && !(rows * Size(cachedSplits(p)) * Size(cachedRecord(p)) * Size(4)).fits(c.operandBytes[sums]))
    return "partials must hold a record for each query, head and split";
  return nullptr;
}

// y, not overlapping itself: its size bounds the work.
static const char* verifyOutput(const Check& c, const CachedAttentionParams& p) {
  const Size all = Size(p.batch) * Size(p.rows) * Size(p.heads) * Size(p.depth) * Size(4);
  if (!all.fits(c.operandBytes[0]) || !holdsRows(p.strideY, p.batch, p.rows, p.heads, p.depth, c.operandBytes[0]))
    return "y must hold its strides";
  return nullptr;
}

static bool holdsHeads(const Check& c, const CachedAttentionParams& p, uint32_t operand) {
  return !c.has(operand) || (Size(p.heads) * Size(4)).fits(c.operandBytes[operand]);
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<CachedAttentionParams>();
  using O = CachedOperand;
  if (const char* why = verifyShape(c, p, p.split != 0, O::y)) return why;
  if (const char* why = verifyCache(k, c, p, {O::k, O::v, O::kScales, O::vScales, O::lengths, O::pages})) return why;
  if (p.depth > 0 && p.capacity > 0 && !c.has(O::v) && cacheRows(p).value() > 0) return "v must be there";
  if (p.split == 0) {
    if (const char* why = verifyOutput(c, p)) return why;
  } else if (p.depth > 0 && cachedSplits(p) == 0 && p.batch > 0 && p.rows > 0 && p.heads > 0) {
    return "there must be a split where sums are split";
  }
  if (!areStrides(p.strideQ) || !areStrides(p.strideBias)) return "strides must be in [0, 2^48]";
  if (!holdsRows(p.strideQ, p.batch, p.rows, p.heads, p.width, c.operandBytes[O::q])) return "q must hold its strides";
  if (c.has(O::bias)) {
    const int64_t columns = p.columnBias ? p.capacity : p.capacity > 0 ? 1 : 0;
    if (!holdsRows(p.strideBias, p.batch, p.heads, p.rows, columns, c.operandBytes[O::bias]))
      return "bias must hold its strides, a float for each token of the capacity";
  }
  if (!holdsHeads(c, p, O::slopes) || !holdsHeads(c, p, O::sinks)) return "slopes and sinks must hold a float a head";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const CachedAttentionParams*>(params);
  if (cachedIsEmpty(p)) return 0;
  const int64_t splits = p.split ? cachedSplits(p) : 1;
  double cost = static_cast<double>(cachedRows(p)) * static_cast<double>(p.capacity / splits + 1) *
                static_cast<double>(p.width + p.depth) / 16;
  if (cost > 1e12) cost = 1e12;
  if (cachedPacks(p)) {
    // A unit is fourteen queries of one head. Every tile packs the tokens that it meets.
    const int64_t strips = ceilDiv(p.rows, 14) * (p.heads / p.keyHeads);
    return tilesFor(p.batch * p.keyHeads * strips, static_cast<int64_t>(cost / static_cast<double>(strips)) + 1,
                    threads);
  }
  return tilesFor(p.batch * p.keyHeads * splits, static_cast<int64_t>(cost), threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const CachedAttentionParams*>(params);
  if (cachedIsEmpty(p)) return 0;
  return static_cast<uint64_t>(cachedPacks(p) ? cachedPanels(p).all : cachedScratch(p).all) * sizeof(float);
}

extern const Contract attention_cached_contract{
    "attention_cached", "wrrrooroooo", 0, sizeof(CachedAttentionParams), false, verify, tiles, scratchBytes};

static const char* verifyMerge(const Kernel&, const Check& c) {
  const auto& p = c.as<CachedAttentionParams>();
  if (const char* why = verifyShape(c, p, true, 1)) return why;
  if (const char* why = verifyOutput(c, p)) return why;
  if (!(Size(p.batch) * Size(4)).fits(c.operandBytes[2])) return "lengths must hold an int32 for each row";
  if (!holdsHeads(c, p, 3)) return "sinks must hold a float a head";
  return nullptr;
}

static uint32_t mergeTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const CachedAttentionParams*>(params);
  if (cachedIsEmpty(p)) return 0;
  return tilesFor(p.batch * p.rows * p.heads, (cachedSplits(p) + 1) * (p.depth + 32), threads, 65536);
}

static uint64_t mergeScratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const CachedAttentionParams*>(params);
  return cachedIsEmpty(p) ? 0 : static_cast<uint64_t>(roundUp(p.depth, 64)) * sizeof(float);
}

extern const Contract attention_merge_contract{
    "attention_merge", "wrro", 0, sizeof(CachedAttentionParams), false, verifyMerge, mergeTiles, mergeScratchBytes};

}  // namespace dsnk
