// Generated from lib/kernels/pool.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class PoolKind : int32_t {
  max = 0,
  average = 1,
  averagePadded = 2,
  lp = 3,
};
constexpr int32_t kPoolKindCount = 4;

struct BytePoolParams {
  int32_t batch;
  int32_t channels;
  int32_t padded;
  int32_t inSize[3];
  int32_t outSize[3];
  int32_t kernel[3];
  int32_t strides[3];
  int32_t padsBegin[3];
  int32_t padsEnd[3];
  int32_t dilations[3];
  int32_t ldc;
  int32_t xZero;
  int32_t zero;
  int32_t low;
  int32_t high;
  float ratio;
};
static_assert(sizeof(BytePoolParams) == 120);
static_assert(offsetof(BytePoolParams, batch) == 0);
static_assert(offsetof(BytePoolParams, channels) == 4);
static_assert(offsetof(BytePoolParams, padded) == 8);
static_assert(offsetof(BytePoolParams, inSize) == 12);
static_assert(offsetof(BytePoolParams, outSize) == 24);
static_assert(offsetof(BytePoolParams, kernel) == 36);
static_assert(offsetof(BytePoolParams, strides) == 48);
static_assert(offsetof(BytePoolParams, padsBegin) == 60);
static_assert(offsetof(BytePoolParams, padsEnd) == 72);
static_assert(offsetof(BytePoolParams, dilations) == 84);
static_assert(offsetof(BytePoolParams, ldc) == 96);
static_assert(offsetof(BytePoolParams, xZero) == 100);
static_assert(offsetof(BytePoolParams, zero) == 104);
static_assert(offsetof(BytePoolParams, low) == 108);
static_assert(offsetof(BytePoolParams, high) == 112);
static_assert(offsetof(BytePoolParams, ratio) == 116);

struct PoolIndicesParams {
  int32_t batch;
  int32_t channels;
  int32_t columnMajor;
  int32_t inSize[3];
  int32_t outSize[3];
  int32_t kernel[3];
  int32_t strides[3];
  int32_t padsBegin[3];
  int32_t dilations[3];
};
static_assert(sizeof(PoolIndicesParams) == 84);
static_assert(offsetof(PoolIndicesParams, batch) == 0);
static_assert(offsetof(PoolIndicesParams, channels) == 4);
static_assert(offsetof(PoolIndicesParams, columnMajor) == 8);
static_assert(offsetof(PoolIndicesParams, inSize) == 12);
static_assert(offsetof(PoolIndicesParams, outSize) == 24);
static_assert(offsetof(PoolIndicesParams, kernel) == 36);
static_assert(offsetof(PoolIndicesParams, strides) == 48);
static_assert(offsetof(PoolIndicesParams, padsBegin) == 60);
static_assert(offsetof(PoolIndicesParams, dilations) == 72);

struct PoolParams {
  int32_t kind;
  int32_t batch;
  int32_t channels;
  int32_t p;
  int32_t inSize[3];
  int32_t outSize[3];
  int32_t kernel[3];
  int32_t strides[3];
  int32_t padsBegin[3];
  int32_t padsEnd[3];
  int32_t dilations[3];
  int32_t ldc;
};
static_assert(sizeof(PoolParams) == 104);
static_assert(offsetof(PoolParams, kind) == 0);
static_assert(offsetof(PoolParams, batch) == 4);
static_assert(offsetof(PoolParams, channels) == 8);
static_assert(offsetof(PoolParams, p) == 12);
static_assert(offsetof(PoolParams, inSize) == 16);
static_assert(offsetof(PoolParams, outSize) == 28);
static_assert(offsetof(PoolParams, kernel) == 40);
static_assert(offsetof(PoolParams, strides) == 52);
static_assert(offsetof(PoolParams, padsBegin) == 64);
static_assert(offsetof(PoolParams, padsEnd) == 76);
static_assert(offsetof(PoolParams, dilations) == 88);
static_assert(offsetof(PoolParams, ldc) == 100);

}  // namespace dsnk
