// Generated from lib/kernels/gather.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct GatherElementsParams {
  int32_t elementBytes;
  int32_t indexBytes;
  int32_t rank;
  int32_t axis;
  int64_t axisSize;
  int64_t dims[8];
  int64_t strides[8];
};
static_assert(sizeof(GatherElementsParams) == 152);
static_assert(offsetof(GatherElementsParams, elementBytes) == 0);
static_assert(offsetof(GatherElementsParams, indexBytes) == 4);
static_assert(offsetof(GatherElementsParams, rank) == 8);
static_assert(offsetof(GatherElementsParams, axis) == 12);
static_assert(offsetof(GatherElementsParams, axisSize) == 16);
static_assert(offsetof(GatherElementsParams, dims) == 24);
static_assert(offsetof(GatherElementsParams, strides) == 88);

struct GatherNdParams {
  int64_t outer;
  int64_t count;
  int64_t blockBytes;
  int32_t indexBytes;
  int32_t depth;
  int64_t dims[8];
};
static_assert(sizeof(GatherNdParams) == 96);
static_assert(offsetof(GatherNdParams, outer) == 0);
static_assert(offsetof(GatherNdParams, count) == 8);
static_assert(offsetof(GatherNdParams, blockBytes) == 16);
static_assert(offsetof(GatherNdParams, indexBytes) == 24);
static_assert(offsetof(GatherNdParams, depth) == 28);
static_assert(offsetof(GatherNdParams, dims) == 32);

struct GatherParams {
  int64_t outer;
  int64_t axis;
  int64_t count;
  int64_t blockBytes;
  int32_t indexBytes;
  int32_t reserved;
};
static_assert(sizeof(GatherParams) == 40);
static_assert(offsetof(GatherParams, outer) == 0);
static_assert(offsetof(GatherParams, axis) == 8);
static_assert(offsetof(GatherParams, count) == 16);
static_assert(offsetof(GatherParams, blockBytes) == 24);
static_assert(offsetof(GatherParams, indexBytes) == 32);
static_assert(offsetof(GatherParams, reserved) == 36);

}  // namespace dsnk
