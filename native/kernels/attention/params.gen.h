// Generated from lib/kernels/attention.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class AttentionEmpty : int32_t {
  nan = 0,
  zero = 1,
  zeroNan = 2,
};
constexpr int32_t kAttentionEmptyCount = 3;

enum class AttentionMask : int32_t {
  none = 0,
  add = 1,
  keepTrue = 2,
  keepFalse = 3,
};
constexpr int32_t kAttentionMaskCount = 4;

struct AttentionParams {
  int64_t rows;
  int64_t keys;
  int64_t width;
  int64_t depth;
  int64_t batch[4];
  int64_t strideQ[4];
  int64_t strideK[4];
  int64_t strideV[4];
  int64_t strideY[4];
  int64_t strideMask[4];
  int64_t offsetQ;
  int64_t offsetK;
  int64_t offsetV;
  int64_t offsetMask;
  int64_t rowQ;
  int64_t rowK;
  int64_t rowV;
  int64_t rowY;
  int64_t rowMask;
  int64_t columnMask;
  int64_t causalOffset;
  float scale;
  float fill;
  int32_t mask;
  int32_t empty;
  int32_t causal;
  int32_t reserved;
};
static_assert(sizeof(AttentionParams) == 336);
static_assert(offsetof(AttentionParams, rows) == 0);
static_assert(offsetof(AttentionParams, keys) == 8);
static_assert(offsetof(AttentionParams, width) == 16);
static_assert(offsetof(AttentionParams, depth) == 24);
static_assert(offsetof(AttentionParams, batch) == 32);
static_assert(offsetof(AttentionParams, strideQ) == 64);
static_assert(offsetof(AttentionParams, strideK) == 96);
static_assert(offsetof(AttentionParams, strideV) == 128);
static_assert(offsetof(AttentionParams, strideY) == 160);
static_assert(offsetof(AttentionParams, strideMask) == 192);
static_assert(offsetof(AttentionParams, offsetQ) == 224);
static_assert(offsetof(AttentionParams, offsetK) == 232);
static_assert(offsetof(AttentionParams, offsetV) == 240);
static_assert(offsetof(AttentionParams, offsetMask) == 248);
static_assert(offsetof(AttentionParams, rowQ) == 256);
static_assert(offsetof(AttentionParams, rowK) == 264);
static_assert(offsetof(AttentionParams, rowV) == 272);
static_assert(offsetof(AttentionParams, rowY) == 280);
static_assert(offsetof(AttentionParams, rowMask) == 288);
static_assert(offsetof(AttentionParams, columnMask) == 296);
static_assert(offsetof(AttentionParams, causalOffset) == 304);
static_assert(offsetof(AttentionParams, scale) == 312);
static_assert(offsetof(AttentionParams, fill) == 316);
static_assert(offsetof(AttentionParams, mask) == 320);
static_assert(offsetof(AttentionParams, empty) == 324);
static_assert(offsetof(AttentionParams, causal) == 328);
static_assert(offsetof(AttentionParams, reserved) == 332);

}  // namespace dsnk
