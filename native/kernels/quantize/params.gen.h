// Generated from lib/kernels/quantize.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class QuantType : int32_t {
  f32 = 0,
  f16 = 1,
  bf16 = 2,
  u8 = 3,
  i8 = 4,
  u16 = 5,
  i16 = 6,
  i32 = 7,
  u4 = 8,
  i4 = 9,
  u2 = 10,
  i2 = 11,
  f8e4m3fn = 12,
  f8e4m3fnuz = 13,
  f8e5m2 = 14,
  f8e5m2fnuz = 15,
  f4e2m1 = 16,
};
constexpr int32_t kQuantTypeCount = 17;

enum class ScaleLayout : int32_t {
  tensor = 0,
  axis = 1,
  blocked = 2,
};
constexpr int32_t kScaleLayoutCount = 3;

struct DynamicQuantizeParams {
  int64_t count;
};
static_assert(sizeof(DynamicQuantizeParams) == 8);
static_assert(offsetof(DynamicQuantizeParams, count) == 0);

struct IntegerConvParams {
  int64_t batches;
  int64_t channels;
  int64_t outC;
  int64_t groups;
  int64_t image[3];
  int64_t out[3];
  int64_t kernel[3];
  int64_t strides[3];
  int64_t pads[3];
  int64_t dilations[3];
  int64_t wZeros;
  int64_t wScales;
};
static_assert(sizeof(IntegerConvParams) == 192);
static_assert(offsetof(IntegerConvParams, batches) == 0);
static_assert(offsetof(IntegerConvParams, channels) == 8);
static_assert(offsetof(IntegerConvParams, outC) == 16);
static_assert(offsetof(IntegerConvParams, groups) == 24);
static_assert(offsetof(IntegerConvParams, image) == 32);
static_assert(offsetof(IntegerConvParams, out) == 56);
static_assert(offsetof(IntegerConvParams, kernel) == 80);
static_assert(offsetof(IntegerConvParams, strides) == 104);
static_assert(offsetof(IntegerConvParams, pads) == 128);
static_assert(offsetof(IntegerConvParams, dilations) == 152);
static_assert(offsetof(IntegerConvParams, wZeros) == 176);
static_assert(offsetof(IntegerConvParams, wScales) == 184);

struct IntegerMatmulParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t batch[6];
  int64_t aStride[6];
  int64_t bStride[6];
  int64_t aZeros;
  int64_t bZeros;
  int64_t aScales;
  int64_t bScales;
  int32_t scale;
  int32_t unused;
};
static_assert(sizeof(IntegerMatmulParams) == 208);
static_assert(offsetof(IntegerMatmulParams, m) == 0);
static_assert(offsetof(IntegerMatmulParams, n) == 8);
static_assert(offsetof(IntegerMatmulParams, k) == 16);
static_assert(offsetof(IntegerMatmulParams, batch) == 24);
static_assert(offsetof(IntegerMatmulParams, aStride) == 72);
static_assert(offsetof(IntegerMatmulParams, bStride) == 120);
static_assert(offsetof(IntegerMatmulParams, aZeros) == 168);
static_assert(offsetof(IntegerMatmulParams, bZeros) == 176);
static_assert(offsetof(IntegerMatmulParams, aScales) == 184);
static_assert(offsetof(IntegerMatmulParams, bScales) == 192);
static_assert(offsetof(IntegerMatmulParams, scale) == 200);
static_assert(offsetof(IntegerMatmulParams, unused) == 204);

struct QuantizeParams {
  int64_t outer;
  int64_t axis;
  int64_t inner;
  int64_t block;
  int32_t layout;
  int32_t from;
  int32_t to;
  int32_t scale;
  int32_t precision;
  int32_t saturate;
};
static_assert(sizeof(QuantizeParams) == 56);
static_assert(offsetof(QuantizeParams, outer) == 0);
static_assert(offsetof(QuantizeParams, axis) == 8);
static_assert(offsetof(QuantizeParams, inner) == 16);
static_assert(offsetof(QuantizeParams, block) == 24);
static_assert(offsetof(QuantizeParams, layout) == 32);
static_assert(offsetof(QuantizeParams, from) == 36);
static_assert(offsetof(QuantizeParams, to) == 40);
static_assert(offsetof(QuantizeParams, scale) == 44);
static_assert(offsetof(QuantizeParams, precision) == 48);
static_assert(offsetof(QuantizeParams, saturate) == 52);

}  // namespace dsnk
