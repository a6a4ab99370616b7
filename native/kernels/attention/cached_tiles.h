// How attention over caches is cut into queries and splits, and what a query sees: for contracts, kernels, plans and tests, on
// processors and GPUs.
#pragma once
#include "cuda/work.h"
#include "kernels/cache/tokens.h"
#include "kernels/sizes.h"

namespace dsnk {

// attention_cached.cu: queries of a block, tokens of a tile (and threads), numbers of the depth a thread and a block, widest
// queries that are kept in shared memory.
constexpr int kCachedQueries = 8, kCachedTile = 256, kCachedPart = 4;
constexpr int64_t kCachedDepths = kCachedTile * kCachedPart, kCachedSharedWidth = 1024;

// Lines of 128 bytes of a row that are fetched ahead, at most.
constexpr int64_t kCachedLines = 8;

// Numbers of the operands of attention_cached.
struct CachedOperand {
  enum : uint32_t { y, q, k, v, kScales, vScales, lengths, pages, bias, slopes, sinks };
};

DSNK_BOTH inline int64_t cachedSplits(const CachedAttentionParams& p) {
  return (p.capacity + kCacheSplit - 1) / kCacheSplit;
}
// Floats of the sums of one query, head and split: y without its divisor, the largest score, the sum of weights.
DSNK_BOTH inline int64_t cachedRecord(const CachedAttentionParams& p) { return (p.depth + 2 + 15) / 16 * 16; }

// Queries that share a head of the cache: all of its group.
DSNK_BOTH inline int64_t cachedRows(const CachedAttentionParams& p) { return p.heads / p.keyHeads * p.rows; }

// Tokens that query i sees.
DSNK_BOTH inline Range cachedSeen(const CachedAttentionParams& p, int64_t total, int64_t i) {
  const int64_t at = total - p.rows + i;
  const int64_t end = p.causal ? at + 1 : total, begin = p.window > 0 ? at - p.window + 1 : 0;
  return {begin < 0 ? 0 : begin, end < 0 ? 0 : end};
}

// Shared memory of a block: queries, weights and where tokens lie, and where they stood, sums of all groups of threads.
inline int64_t cachedSharedBytes(const CachedAttentionParams& p) {
  const int64_t width = p.width <= kCachedSharedWidth ? (p.width + 15) / 16 * 16 : 0;
  const int64_t columns = ((p.depth < kCachedDepths ? p.depth : kCachedDepths) + kCachedPart - 1) / kCachedPart;
  const int64_t tile = kCachedQueries * (width + kCachedTile) * 4 + kCachedTile * 8;
  const int64_t meeting = kCachedTile / columns * columns * kCachedQueries * kCachedPart * 4;
  return tile > meeting ? tile : meeting;
}

}  // namespace dsnk
