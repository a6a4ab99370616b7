// Generated from lib/kernels/depthwise.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct DepthwiseParams {
  int32_t batch;
  int32_t channels;
  int32_t inSize[2];
  int32_t outSize[2];
  int32_t kernel[2];
  int32_t strides[2];
  int32_t pads[2];
  int32_t dilations[2];
  int32_t ldc;
  int32_t activation;
  float alpha;
  float beta;
};
static_assert(sizeof(DepthwiseParams) == 72);
static_assert(offsetof(DepthwiseParams, batch) == 0);
static_assert(offsetof(DepthwiseParams, channels) == 4);
static_assert(offsetof(DepthwiseParams, inSize) == 8);
static_assert(offsetof(DepthwiseParams, outSize) == 16);
static_assert(offsetof(DepthwiseParams, kernel) == 24);
static_assert(offsetof(DepthwiseParams, strides) == 32);
static_assert(offsetof(DepthwiseParams, pads) == 40);
static_assert(offsetof(DepthwiseParams, dilations) == 48);
static_assert(offsetof(DepthwiseParams, ldc) == 56);
static_assert(offsetof(DepthwiseParams, activation) == 60);
static_assert(offsetof(DepthwiseParams, alpha) == 64);
static_assert(offsetof(DepthwiseParams, beta) == 68);

}  // namespace dsnk
