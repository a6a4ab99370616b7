// How attention is cut into strips of queries, blocks of keys and tiles, for its contract and all its rows.
#pragma once
#include "kernels/attention/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

// Loops that wait for memory, and what runs once a block, are small rather than unrolled: clang needs to be told.
#if defined(__clang__)
#define DSNK_KEEP_ROLLED _Pragma("clang loop unroll(disable)")
#define DSNK_SMALL_CODE __attribute__((minsize))
#else
#define DSNK_KEEP_ROLLED
#define DSNK_SMALL_CODE
#endif

namespace dsnk {

constexpr int kAttentionBatchDims = 4;

// Most queries of a strip, columns of a panel and queries of a call that packs nothing: of every ISA the largest.
constexpr int64_t kAttentionStripRows = 16, kAttentionPanel = 32, kAttentionFewRows = 4;

// Most keys of a block: the scores of a strip are 14 x 256 floats, half of L1, and K and V of a block of the usual
// width 64 are 128 KB, read from L2 once a strip. Wider heads get shorter blocks, so that both stay within 512 KB of
// L2.
constexpr int64_t kAttentionKeys = 256, kAttentionBlockFloats = 131072;

inline int64_t attentionBatch(const AttentionParams& p) { return p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3]; }

// Keys of a block: blocks are equal but for the last.
inline int64_t attentionBlock(const AttentionParams& p) {
  if (p.keys == 0) return 0;  // then verify has bounded neither width nor depth
  const int64_t wide = roundUp(p.width, kAttentionPanel) + roundUp(p.depth, kAttentionPanel);
  int64_t most = wide == 0 ? kAttentionKeys : kAttentionBlockFloats / wide / kAttentionPanel * kAttentionPanel;
  if (most > kAttentionKeys) most = kAttentionKeys;
  if (most < kAttentionPanel) most = kAttentionPanel;
  const int64_t blocks = ceilDiv(p.keys, most);
  return blocks <= 1 ? p.keys : roundUp(ceilDiv(p.keys, blocks), kAttentionPanel);
}

// Floats between the score rows of a strip: whole vectors, and an odd number of cache lines so that the rows of a strip
// fall into different sets.
inline int64_t attentionScoreRow(int64_t block) { return roundUp(block, kAttentionPanel) + 16; }

// Where the parts of the scratch start, in floats.
struct AttentionScratch {
  int64_t keys, values, scores, peak, total, all;
};
inline AttentionScratch attentionScratch(const AttentionParams& p) {
  const int64_t block = attentionBlock(p);
  AttentionScratch s{};
  const bool packs = p.rows > kAttentionFewRows && p.keys > 0;
  s.values = packs ? roundUp(block, kAttentionPanel) * roundUp(p.width, 16) : 0;
  s.scores = s.values + (packs ? block * roundUp(p.depth, kAttentionPanel) : 0);
  s.peak = s.scores + kAttentionStripRows * attentionScoreRow(block);
  s.total = s.peak + roundUp(p.rows, 16);
  s.all = s.total + roundUp(p.rows, 16);
  return s;
}

// Offset of outer index i of the flattened batch.
inline int64_t attentionOffset(const AttentionParams& p, const int64_t* stride, int64_t i) {
  int64_t offset = 0;
  for (int d = kAttentionBatchDims - 1; d >= 0; d--) {
    offset += i % p.batch[d] * stride[d];
    i /= p.batch[d];
  }
  return offset;
}

}  // namespace dsnk
