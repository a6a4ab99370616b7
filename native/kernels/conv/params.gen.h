// Generated from lib/kernels/conv.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ConvPackParams {
  int32_t group;
  int32_t outPerGroup;
  int32_t inPerGroup;
  int32_t taps;
  int32_t transposed;
  int32_t lanes;
  int32_t vectors;
};
static_assert(sizeof(ConvPackParams) == 28);
static_assert(offsetof(ConvPackParams, group) == 0);
static_assert(offsetof(ConvPackParams, outPerGroup) == 4);
static_assert(offsetof(ConvPackParams, inPerGroup) == 8);
static_assert(offsetof(ConvPackParams, taps) == 12);
static_assert(offsetof(ConvPackParams, transposed) == 16);
static_assert(offsetof(ConvPackParams, lanes) == 20);
static_assert(offsetof(ConvPackParams, vectors) == 24);

struct ConvParams {
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
  int32_t activation;
  float alpha;
  float beta;
};
static_assert(sizeof(ConvParams) == 104);
static_assert(offsetof(ConvParams, batch) == 0);
static_assert(offsetof(ConvParams, channels) == 4);
static_assert(offsetof(ConvParams, outChannels) == 8);
static_assert(offsetof(ConvParams, group) == 12);
static_assert(offsetof(ConvParams, inSize) == 16);
static_assert(offsetof(ConvParams, outSize) == 28);
static_assert(offsetof(ConvParams, kernel) == 40);
static_assert(offsetof(ConvParams, strides) == 52);
static_assert(offsetof(ConvParams, pads) == 64);
static_assert(offsetof(ConvParams, dilations) == 76);
static_assert(offsetof(ConvParams, ldc) == 88);
static_assert(offsetof(ConvParams, activation) == 92);
static_assert(offsetof(ConvParams, alpha) == 96);
static_assert(offsetof(ConvParams, beta) == 100);

struct ConvScaleParams {
  int32_t depth;
  int32_t columns;
};
static_assert(sizeof(ConvScaleParams) == 8);
static_assert(offsetof(ConvScaleParams, depth) == 0);
static_assert(offsetof(ConvScaleParams, columns) == 4);

}  // namespace dsnk
