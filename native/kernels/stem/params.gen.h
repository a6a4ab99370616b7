// Generated from lib/kernels/stem.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct StemParams {
  int32_t batch;
  int32_t channels;
  int32_t outChannels;
  int32_t channelsLast;
  int32_t inSize[2];
  int32_t outSize[2];
  int32_t kernel[2];
  int32_t strides[2];
  int32_t pads[2];
  int32_t ldc;
  int32_t activation;
  float alpha;
  float beta;
};
static_assert(sizeof(StemParams) == 72);
static_assert(offsetof(StemParams, batch) == 0);
static_assert(offsetof(StemParams, channels) == 4);
static_assert(offsetof(StemParams, outChannels) == 8);
static_assert(offsetof(StemParams, channelsLast) == 12);
static_assert(offsetof(StemParams, inSize) == 16);
static_assert(offsetof(StemParams, outSize) == 24);
static_assert(offsetof(StemParams, kernel) == 32);
static_assert(offsetof(StemParams, strides) == 40);
static_assert(offsetof(StemParams, pads) == 48);
static_assert(offsetof(StemParams, ldc) == 56);
static_assert(offsetof(StemParams, activation) == 60);
static_assert(offsetof(StemParams, alpha) == 64);
static_assert(offsetof(StemParams, beta) == 68);

}  // namespace dsnk
