// How attention over a cache is cut into heads, splits of its tokens and blocks, for its contracts and all its rows.
#pragma once
#include "kernels/attention/attention.h"
#include "kernels/attention/cached_tiles.h"
#include "kernels/cache/cache.h"

namespace dsnk {

// Rows of scores and sums stand in scratch so far apart: no two in the same sets of L1.
constexpr int64_t kCachedScoreRow = kCachePage + 16;

inline bool cachedIsEmpty(const CachedAttentionParams& p) {
  return p.batch == 0 || p.rows == 0 || p.heads == 0 || p.depth == 0;
}
// Queries that share a head of the cache, in fours, or one more than fours: row r is query r % rows of head r / rows.
inline int64_t cachedPaddedRows(const CachedAttentionParams& p) {
  const int64_t rows = cachedRows(p);
  return rows % 4 > 1 ? roundUp(rows, 4) : rows;
}

// Tokens of a row of the batch, and the first one that any of its queries sees.
struct CachedTokens {
  int64_t total, first;
  Range splits() const { return {first / kCacheSplit, ceilDiv(total, kCacheSplit)}; }
};
// total -1: the length is not to be believed.
inline CachedTokens cachedTokens(const CachedAttentionParams& p, const int32_t* lengths, int64_t b) {
  const int64_t total = tokensOf(lengths, b, p.fresh, p.capacity);
  const int64_t first = p.window > 0 ? total - p.rows - p.window + 1 : 0;
  return {total, first < 0 ? 0 : first < total ? first : total};
}
// Where the parts of the scratch start, in floats; rows are those of cachedPaddedRows.
struct CachedScratch {
  int64_t rowQ, rowO;  // between rows of queries, of sums
  int64_t codes, scores, sums, merged, peak, total, keep, mergedPeak, mergedTotal, all;
};
inline CachedScratch cachedScratch(const CachedAttentionParams& p) {
  const int64_t rows = cachedPaddedRows(p), column = roundUp(rows, 16);
  CachedScratch s{};
  s.rowQ = roundUp(p.width < 1 ? 1 : p.width, 64);
  s.rowO = roundUp(p.depth, 64);
  s.codes = rows * s.rowQ;
  s.scores = 2 * s.codes;
  s.sums = s.scores + rows * kCachedScoreRow;
  s.merged = s.sums + rows * s.rowO;
  s.peak = s.merged + rows * s.rowO;
  s.total = s.peak + column;
  s.keep = s.total + column;
  s.mergedPeak = s.keep + column;
  s.mergedTotal = s.mergedPeak + column;
  s.all = s.mergedTotal + column;
  return s;
}

// Many queries of a head: K and V of blocks of tokens become panels of floats, for strips of queries of all heads of
// the group.
inline bool cachedPacks(const CachedAttentionParams& p) { return p.rows > kAttentionFewRows && p.split == 0; }

// Tokens of a block: a multiple of a page, its K and V within half of L2 where heads are of the usual width.
inline int64_t cachedBlock(const CachedAttentionParams& p) {
  const int64_t wide = roundUp(p.width, kAttentionPanel) + roundUp(p.depth, kAttentionPanel);
  const int64_t most = kAttentionBlockFloats / wide / kCachePage * kCachePage;
  return most > kAttentionKeys ? kAttentionKeys : most < kCachePage ? kCachePage : most;
}

struct CachedPanels {
  int64_t keys, values, wide, scores, peak, total, all;
};
inline CachedPanels cachedPanels(const CachedAttentionParams& p) {
  const int64_t block = cachedBlock(p), rows = roundUp(cachedRows(p), 16);
  CachedPanels s{};
  s.values = block * roundUp(p.width, 16);
  s.wide = s.values + block * roundUp(p.depth, kAttentionPanel);
  s.scores = s.wide + kAttentionPanel * roundUp(p.width, 16);
  s.peak = s.scores + kAttentionStripRows * attentionScoreRow(block);
  s.total = s.peak + rows;
  s.all = s.total + rows;
  return s;
}

}  // namespace dsnk
