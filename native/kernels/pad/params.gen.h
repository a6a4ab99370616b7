// Generated from lib/kernels/pad.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class PadMode : int32_t {
  constant = 0,
  reflect = 1,
  edge = 2,
  wrap = 3,
};
constexpr int32_t kPadModeCount = 4;

struct PadParams {
  int32_t elementBytes;
  int32_t mode;
  int32_t rank;
  int32_t hasValue;
  int64_t offset;
  int64_t dims[8];
  int64_t strides[8];
  int64_t before[8];
  int64_t after[8];
};
static_assert(sizeof(PadParams) == 280);
static_assert(offsetof(PadParams, elementBytes) == 0);
static_assert(offsetof(PadParams, mode) == 4);
static_assert(offsetof(PadParams, rank) == 8);
static_assert(offsetof(PadParams, hasValue) == 12);
static_assert(offsetof(PadParams, offset) == 16);
static_assert(offsetof(PadParams, dims) == 24);
static_assert(offsetof(PadParams, strides) == 88);
static_assert(offsetof(PadParams, before) == 152);
static_assert(offsetof(PadParams, after) == 216);

}  // namespace dsnk
