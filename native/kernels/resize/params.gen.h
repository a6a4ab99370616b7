// Generated from lib/kernels/resize.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ResizeNearestParams {
  int64_t outer;
  int64_t inH;
  int64_t outH;
  int64_t inW;
  int64_t outW;
  int64_t innerBytes;
};
static_assert(sizeof(ResizeNearestParams) == 48);
static_assert(offsetof(ResizeNearestParams, outer) == 0);
static_assert(offsetof(ResizeNearestParams, inH) == 8);
static_assert(offsetof(ResizeNearestParams, outH) == 16);
static_assert(offsetof(ResizeNearestParams, inW) == 24);
static_assert(offsetof(ResizeNearestParams, outW) == 32);
static_assert(offsetof(ResizeNearestParams, innerBytes) == 40);

struct ResizeParams {
  int64_t outer;
  int64_t inH;
  int64_t outH;
  int64_t inW;
  int64_t outW;
  int64_t inner;
  int32_t tapsH;
  int32_t tapsW;
  int32_t extrapolate;
  float value;
};
static_assert(sizeof(ResizeParams) == 64);
static_assert(offsetof(ResizeParams, outer) == 0);
static_assert(offsetof(ResizeParams, inH) == 8);
static_assert(offsetof(ResizeParams, outH) == 16);
static_assert(offsetof(ResizeParams, inW) == 24);
static_assert(offsetof(ResizeParams, outW) == 32);
static_assert(offsetof(ResizeParams, inner) == 40);
static_assert(offsetof(ResizeParams, tapsH) == 48);
static_assert(offsetof(ResizeParams, tapsW) == 52);
static_assert(offsetof(ResizeParams, extrapolate) == 56);
static_assert(offsetof(ResizeParams, value) == 60);

}  // namespace dsnk
