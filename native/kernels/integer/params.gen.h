// Generated from lib/kernels/integer.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class DepthwisePattern : int32_t {
  flat = 0,
  columns = 1,
};
constexpr int32_t kDepthwisePatternCount = 2;

enum class IntegerOutput : int32_t {
  u8 = 0,
  f32 = 1,
  i32 = 2,
};
constexpr int32_t kIntegerOutputCount = 3;

struct ByteSumParams {
  int64_t count;
  int32_t aZero;
  int32_t bZero;
  int32_t zero;
  int32_t low;
  int32_t high;
  float aRatio;
  float bRatio;
  int32_t reserved;
};
static_assert(sizeof(ByteSumParams) == 40);
static_assert(offsetof(ByteSumParams, count) == 0);
static_assert(offsetof(ByteSumParams, aZero) == 8);
static_assert(offsetof(ByteSumParams, bZero) == 12);
static_assert(offsetof(ByteSumParams, zero) == 16);
static_assert(offsetof(ByteSumParams, low) == 20);
static_assert(offsetof(ByteSumParams, high) == 24);
static_assert(offsetof(ByteSumParams, aRatio) == 28);
static_assert(offsetof(ByteSumParams, bRatio) == 32);
static_assert(offsetof(ByteSumParams, reserved) == 36);

struct DepthwiseBytesParams {
  int32_t batch;
  int32_t channels;
  int32_t inSize[2];
  int32_t outSize[2];
  int32_t kernel[2];
  int32_t strides[2];
  int32_t pads[2];
  int32_t dilations[2];
  int32_t ldc;
  int32_t padding;
  int32_t pattern;
  int32_t output;
  int32_t perColumn;
  int32_t zero;
  int32_t low;
  int32_t high;
  int32_t sumZero;
  int32_t sumLow;
  int32_t sumHigh;
  int32_t residualZero;
  float sumRatio;
  float residualRatio;
};
static_assert(sizeof(DepthwiseBytesParams) == 112);
static_assert(offsetof(DepthwiseBytesParams, batch) == 0);
static_assert(offsetof(DepthwiseBytesParams, channels) == 4);
static_assert(offsetof(DepthwiseBytesParams, inSize) == 8);
static_assert(offsetof(DepthwiseBytesParams, outSize) == 16);
static_assert(offsetof(DepthwiseBytesParams, kernel) == 24);
static_assert(offsetof(DepthwiseBytesParams, strides) == 32);
static_assert(offsetof(DepthwiseBytesParams, pads) == 40);
static_assert(offsetof(DepthwiseBytesParams, dilations) == 48);
static_assert(offsetof(DepthwiseBytesParams, ldc) == 56);
static_assert(offsetof(DepthwiseBytesParams, padding) == 60);
static_assert(offsetof(DepthwiseBytesParams, pattern) == 64);
static_assert(offsetof(DepthwiseBytesParams, output) == 68);
static_assert(offsetof(DepthwiseBytesParams, perColumn) == 72);
static_assert(offsetof(DepthwiseBytesParams, zero) == 76);
static_assert(offsetof(DepthwiseBytesParams, low) == 80);
static_assert(offsetof(DepthwiseBytesParams, high) == 84);
static_assert(offsetof(DepthwiseBytesParams, sumZero) == 88);
static_assert(offsetof(DepthwiseBytesParams, sumLow) == 92);
static_assert(offsetof(DepthwiseBytesParams, sumHigh) == 96);
static_assert(offsetof(DepthwiseBytesParams, residualZero) == 100);
static_assert(offsetof(DepthwiseBytesParams, sumRatio) == 104);
static_assert(offsetof(DepthwiseBytesParams, residualRatio) == 108);

struct DepthwisePackParams {
  int32_t channels;
  int32_t kernel[2];
  int32_t nr;
  int32_t kr;
  int32_t pattern;
  int32_t zero;
  int32_t flip;
  int32_t perColumn;
};
static_assert(sizeof(DepthwisePackParams) == 36);
static_assert(offsetof(DepthwisePackParams, channels) == 0);
static_assert(offsetof(DepthwisePackParams, kernel) == 4);
static_assert(offsetof(DepthwisePackParams, nr) == 12);
static_assert(offsetof(DepthwisePackParams, kr) == 16);
static_assert(offsetof(DepthwisePackParams, pattern) == 20);
static_assert(offsetof(DepthwisePackParams, zero) == 24);
static_assert(offsetof(DepthwisePackParams, flip) == 28);
static_assert(offsetof(DepthwisePackParams, perColumn) == 32);

struct IntegerConvolutionParams {
  int32_t batch;
  int32_t channels;
  int32_t outChannels;
  int32_t group;
  int32_t inSize[3];
  int32_t outSize[3];
  int32_t kernel[3];
  int32_t strides[3];
  int32_t pads[3];
  int32_t dilations[3];
  int32_t ldc;
  int32_t padding;
  int32_t output;
  int32_t perColumn;
  int32_t zero;
  int32_t low;
  int32_t high;
  int32_t sumZero;
  int32_t sumLow;
  int32_t sumHigh;
  int32_t residualZero;
  float sumRatio;
  float residualRatio;
};
static_assert(sizeof(IntegerConvolutionParams) == 140);
static_assert(offsetof(IntegerConvolutionParams, batch) == 0);
static_assert(offsetof(IntegerConvolutionParams, channels) == 4);
static_assert(offsetof(IntegerConvolutionParams, outChannels) == 8);
static_assert(offsetof(IntegerConvolutionParams, group) == 12);
static_assert(offsetof(IntegerConvolutionParams, inSize) == 16);
static_assert(offsetof(IntegerConvolutionParams, outSize) == 28);
static_assert(offsetof(IntegerConvolutionParams, kernel) == 40);
static_assert(offsetof(IntegerConvolutionParams, strides) == 52);
static_assert(offsetof(IntegerConvolutionParams, pads) == 64);
static_assert(offsetof(IntegerConvolutionParams, dilations) == 76);
static_assert(offsetof(IntegerConvolutionParams, ldc) == 88);
static_assert(offsetof(IntegerConvolutionParams, padding) == 92);
static_assert(offsetof(IntegerConvolutionParams, output) == 96);
static_assert(offsetof(IntegerConvolutionParams, perColumn) == 100);
static_assert(offsetof(IntegerConvolutionParams, zero) == 104);
static_assert(offsetof(IntegerConvolutionParams, low) == 108);
static_assert(offsetof(IntegerConvolutionParams, high) == 112);
static_assert(offsetof(IntegerConvolutionParams, sumZero) == 116);
static_assert(offsetof(IntegerConvolutionParams, sumLow) == 120);
static_assert(offsetof(IntegerConvolutionParams, sumHigh) == 124);
static_assert(offsetof(IntegerConvolutionParams, residualZero) == 128);
static_assert(offsetof(IntegerConvolutionParams, sumRatio) == 132);
static_assert(offsetof(IntegerConvolutionParams, residualRatio) == 136);

struct IntegerGemmParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t lda;
  int64_t ldc;
  int64_t residualRow;
  int32_t output;
  int32_t perColumn;
  int32_t zero;
  int32_t low;
  int32_t high;
  int32_t sumZero;
  int32_t sumLow;
  int32_t sumHigh;
  int32_t residualZero;
  float sumRatio;
  float residualRatio;
  int32_t reserved;
};
static_assert(sizeof(IntegerGemmParams) == 96);
static_assert(offsetof(IntegerGemmParams, m) == 0);
static_assert(offsetof(IntegerGemmParams, n) == 8);
static_assert(offsetof(IntegerGemmParams, k) == 16);
static_assert(offsetof(IntegerGemmParams, lda) == 24);
static_assert(offsetof(IntegerGemmParams, ldc) == 32);
static_assert(offsetof(IntegerGemmParams, residualRow) == 40);
static_assert(offsetof(IntegerGemmParams, output) == 48);
static_assert(offsetof(IntegerGemmParams, perColumn) == 52);
static_assert(offsetof(IntegerGemmParams, zero) == 56);
static_assert(offsetof(IntegerGemmParams, low) == 60);
static_assert(offsetof(IntegerGemmParams, high) == 64);
static_assert(offsetof(IntegerGemmParams, sumZero) == 68);
static_assert(offsetof(IntegerGemmParams, sumLow) == 72);
static_assert(offsetof(IntegerGemmParams, sumHigh) == 76);
static_assert(offsetof(IntegerGemmParams, residualZero) == 80);
static_assert(offsetof(IntegerGemmParams, sumRatio) == 84);
static_assert(offsetof(IntegerGemmParams, residualRatio) == 88);
static_assert(offsetof(IntegerGemmParams, reserved) == 92);

struct IntegerPackParams {
  int64_t count;
  int64_t stride;
  int64_t n;
  int64_t strideN;
  int64_t outer;
  int64_t strideOuter;
  int64_t inner;
  int64_t strideInner;
  int32_t nr;
  int32_t kr;
  int32_t zero;
  int32_t flip;
  int32_t rowTaps;
  int32_t reserved;
};
static_assert(sizeof(IntegerPackParams) == 88);
static_assert(offsetof(IntegerPackParams, count) == 0);
static_assert(offsetof(IntegerPackParams, stride) == 8);
static_assert(offsetof(IntegerPackParams, n) == 16);
static_assert(offsetof(IntegerPackParams, strideN) == 24);
static_assert(offsetof(IntegerPackParams, outer) == 32);
static_assert(offsetof(IntegerPackParams, strideOuter) == 40);
static_assert(offsetof(IntegerPackParams, inner) == 48);
static_assert(offsetof(IntegerPackParams, strideInner) == 56);
static_assert(offsetof(IntegerPackParams, nr) == 64);
static_assert(offsetof(IntegerPackParams, kr) == 68);
static_assert(offsetof(IntegerPackParams, zero) == 72);
static_assert(offsetof(IntegerPackParams, flip) == 76);
static_assert(offsetof(IntegerPackParams, rowTaps) == 80);
static_assert(offsetof(IntegerPackParams, reserved) == 84);

}  // namespace dsnk
