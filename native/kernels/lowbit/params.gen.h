// Generated from lib/kernels/lowbit.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class LowBitZeros : int32_t {
  constant = 0,
  packed = 1,
  floats = 2,
};
constexpr int32_t kLowBitZerosCount = 3;

struct LowBitFloatParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t ldc;
  int32_t group;
  int32_t bits;
  int32_t zeros;
  int32_t zero;
};
static_assert(sizeof(LowBitFloatParams) == 48);
static_assert(offsetof(LowBitFloatParams, m) == 0);
static_assert(offsetof(LowBitFloatParams, n) == 8);
static_assert(offsetof(LowBitFloatParams, k) == 16);
static_assert(offsetof(LowBitFloatParams, ldc) == 24);
static_assert(offsetof(LowBitFloatParams, group) == 32);
static_assert(offsetof(LowBitFloatParams, bits) == 36);
static_assert(offsetof(LowBitFloatParams, zeros) == 40);
static_assert(offsetof(LowBitFloatParams, zero) == 44);

struct LowBitGemmParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t ldc;
  int32_t group;
  int32_t bits;
  int32_t zeros;
  int32_t zero;
};
static_assert(sizeof(LowBitGemmParams) == 48);
static_assert(offsetof(LowBitGemmParams, m) == 0);
static_assert(offsetof(LowBitGemmParams, n) == 8);
static_assert(offsetof(LowBitGemmParams, k) == 16);
static_assert(offsetof(LowBitGemmParams, ldc) == 24);
static_assert(offsetof(LowBitGemmParams, group) == 32);
static_assert(offsetof(LowBitGemmParams, bits) == 36);
static_assert(offsetof(LowBitGemmParams, zeros) == 40);
static_assert(offsetof(LowBitGemmParams, zero) == 44);

struct LowBitPackParams {
  int64_t n;
  int64_t k;
  int64_t strideN;
  int64_t strideK;
  int64_t block;
  int64_t scaleN;
  int64_t scaleBlock;
  int64_t zeroN;
  int64_t zeroBlock;
  int32_t group;
  int32_t bits;
  int32_t nr;
  int32_t flip;
  int32_t zeros;
  int32_t reserved;
};
static_assert(sizeof(LowBitPackParams) == 96);
static_assert(offsetof(LowBitPackParams, n) == 0);
static_assert(offsetof(LowBitPackParams, k) == 8);
static_assert(offsetof(LowBitPackParams, strideN) == 16);
static_assert(offsetof(LowBitPackParams, strideK) == 24);
static_assert(offsetof(LowBitPackParams, block) == 32);
static_assert(offsetof(LowBitPackParams, scaleN) == 40);
static_assert(offsetof(LowBitPackParams, scaleBlock) == 48);
static_assert(offsetof(LowBitPackParams, zeroN) == 56);
static_assert(offsetof(LowBitPackParams, zeroBlock) == 64);
static_assert(offsetof(LowBitPackParams, group) == 72);
static_assert(offsetof(LowBitPackParams, bits) == 76);
static_assert(offsetof(LowBitPackParams, nr) == 80);
static_assert(offsetof(LowBitPackParams, flip) == 84);
static_assert(offsetof(LowBitPackParams, zeros) == 88);
static_assert(offsetof(LowBitPackParams, reserved) == 92);

struct LowBitQuantizeParams {
  int64_t m;
  int64_t k;
  int32_t group;
  int32_t reserved;
};
static_assert(sizeof(LowBitQuantizeParams) == 24);
static_assert(offsetof(LowBitQuantizeParams, m) == 0);
static_assert(offsetof(LowBitQuantizeParams, k) == 8);
static_assert(offsetof(LowBitQuantizeParams, group) == 16);
static_assert(offsetof(LowBitQuantizeParams, reserved) == 20);

}  // namespace dsnk
