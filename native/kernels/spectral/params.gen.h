// Generated from lib/kernels/spectral.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct DftParams {
  int64_t outer;
  int64_t length;
  int64_t inner;
  int64_t frames;
  int64_t step;
  int64_t taken;
  int64_t n;
  int64_t bins;
  int32_t inParts;
  int32_t outParts;
  int32_t inverse;
  int32_t mirrored;
};
static_assert(sizeof(DftParams) == 80);
static_assert(offsetof(DftParams, outer) == 0);
static_assert(offsetof(DftParams, length) == 8);
static_assert(offsetof(DftParams, inner) == 16);
static_assert(offsetof(DftParams, frames) == 24);
static_assert(offsetof(DftParams, step) == 32);
static_assert(offsetof(DftParams, taken) == 40);
static_assert(offsetof(DftParams, n) == 48);
static_assert(offsetof(DftParams, bins) == 56);
static_assert(offsetof(DftParams, inParts) == 64);
static_assert(offsetof(DftParams, outParts) == 68);
static_assert(offsetof(DftParams, inverse) == 72);
static_assert(offsetof(DftParams, mirrored) == 76);

}  // namespace dsnk
