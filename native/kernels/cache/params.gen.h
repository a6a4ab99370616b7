// Generated from lib/kernels/cache.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class RopePositions : int32_t {
  lengths = 0,
  each = 1,
  rows = 2,
};
constexpr int32_t kRopePositionsCount = 3;

struct CacheAppendParams {
  int64_t batch;
  int64_t keyHeads;
  int64_t rows;
  int64_t capacity;
  int64_t pages;
  int64_t width;
  int64_t depth;
  int64_t strideK[3];
  int64_t strideV[3];
};
static_assert(sizeof(CacheAppendParams) == 104);
static_assert(offsetof(CacheAppendParams, batch) == 0);
static_assert(offsetof(CacheAppendParams, keyHeads) == 8);
static_assert(offsetof(CacheAppendParams, rows) == 16);
static_assert(offsetof(CacheAppendParams, capacity) == 24);
static_assert(offsetof(CacheAppendParams, pages) == 32);
static_assert(offsetof(CacheAppendParams, width) == 40);
static_assert(offsetof(CacheAppendParams, depth) == 48);
static_assert(offsetof(CacheAppendParams, strideK) == 56);
static_assert(offsetof(CacheAppendParams, strideV) == 80);

struct CachedAttentionParams {
  int64_t batch;
  int64_t heads;
  int64_t keyHeads;
  int64_t rows;
  int64_t fresh;
  int64_t capacity;
  int64_t pages;
  int64_t width;
  int64_t depth;
  int64_t window;
  int64_t strideQ[3];
  int64_t strideY[3];
  int64_t strideBias[3];
  float scale;
  float softcap;
  int32_t columnBias;
  int32_t causal;
  int32_t split;
  int32_t empty;
};
static_assert(sizeof(CachedAttentionParams) == 176);
static_assert(offsetof(CachedAttentionParams, batch) == 0);
static_assert(offsetof(CachedAttentionParams, heads) == 8);
static_assert(offsetof(CachedAttentionParams, keyHeads) == 16);
static_assert(offsetof(CachedAttentionParams, rows) == 24);
static_assert(offsetof(CachedAttentionParams, fresh) == 32);
static_assert(offsetof(CachedAttentionParams, capacity) == 40);
static_assert(offsetof(CachedAttentionParams, pages) == 48);
static_assert(offsetof(CachedAttentionParams, width) == 56);
static_assert(offsetof(CachedAttentionParams, depth) == 64);
static_assert(offsetof(CachedAttentionParams, window) == 72);
static_assert(offsetof(CachedAttentionParams, strideQ) == 80);
static_assert(offsetof(CachedAttentionParams, strideY) == 104);
static_assert(offsetof(CachedAttentionParams, strideBias) == 128);
static_assert(offsetof(CachedAttentionParams, scale) == 152);
static_assert(offsetof(CachedAttentionParams, softcap) == 156);
static_assert(offsetof(CachedAttentionParams, columnBias) == 160);
static_assert(offsetof(CachedAttentionParams, causal) == 164);
static_assert(offsetof(CachedAttentionParams, split) == 168);
static_assert(offsetof(CachedAttentionParams, empty) == 172);

struct RopeParams {
  int64_t batch;
  int64_t rows;
  int64_t heads;
  int64_t width;
  int64_t rotary;
  int64_t tableRows;
  int64_t tableWidth;
  int64_t strideX[3];
  int64_t strideY[3];
  int32_t interleaved;
  int32_t positions;
};
static_assert(sizeof(RopeParams) == 112);
static_assert(offsetof(RopeParams, batch) == 0);
static_assert(offsetof(RopeParams, rows) == 8);
static_assert(offsetof(RopeParams, heads) == 16);
static_assert(offsetof(RopeParams, width) == 24);
static_assert(offsetof(RopeParams, rotary) == 32);
static_assert(offsetof(RopeParams, tableRows) == 40);
static_assert(offsetof(RopeParams, tableWidth) == 48);
static_assert(offsetof(RopeParams, strideX) == 56);
static_assert(offsetof(RopeParams, strideY) == 80);
static_assert(offsetof(RopeParams, interleaved) == 104);
static_assert(offsetof(RopeParams, positions) == 108);

}  // namespace dsnk
