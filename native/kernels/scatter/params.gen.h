// Generated from lib/kernels/scatter.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class ScatterReduction : int32_t {
  none = 0,
  add = 1,
  mul = 2,
  max = 3,
  min = 4,
};
constexpr int32_t kScatterReductionCount = 5;

enum class ScatterType : int32_t {
  f32 = 0,
  f64 = 1,
  i8 = 2,
  u8 = 3,
  i16 = 4,
  u16 = 5,
  i32 = 6,
  u32 = 7,
  i64 = 8,
  u64 = 9,
};
constexpr int32_t kScatterTypeCount = 10;

struct ScatterElementsParams {
  int32_t elementBytes;
  int32_t indexBytes;
  int32_t reduction;
  int32_t type;
  int32_t rank;
  int32_t axis;
  int64_t dims[8];
  int64_t indexDims[8];
};
static_assert(sizeof(ScatterElementsParams) == 152);
static_assert(offsetof(ScatterElementsParams, elementBytes) == 0);
static_assert(offsetof(ScatterElementsParams, indexBytes) == 4);
static_assert(offsetof(ScatterElementsParams, reduction) == 8);
static_assert(offsetof(ScatterElementsParams, type) == 12);
static_assert(offsetof(ScatterElementsParams, rank) == 16);
static_assert(offsetof(ScatterElementsParams, axis) == 20);
static_assert(offsetof(ScatterElementsParams, dims) == 24);
static_assert(offsetof(ScatterElementsParams, indexDims) == 88);

struct ScatterNdParams {
  int32_t elementBytes;
  int32_t indexBytes;
  int32_t reduction;
  int32_t type;
  int32_t depth;
  int32_t reserved;
  int64_t count;
  int64_t block;
  int64_t dims[8];
};
static_assert(sizeof(ScatterNdParams) == 104);
static_assert(offsetof(ScatterNdParams, elementBytes) == 0);
static_assert(offsetof(ScatterNdParams, indexBytes) == 4);
static_assert(offsetof(ScatterNdParams, reduction) == 8);
static_assert(offsetof(ScatterNdParams, type) == 12);
static_assert(offsetof(ScatterNdParams, depth) == 16);
static_assert(offsetof(ScatterNdParams, reserved) == 20);
static_assert(offsetof(ScatterNdParams, count) == 24);
static_assert(offsetof(ScatterNdParams, block) == 32);
static_assert(offsetof(ScatterNdParams, dims) == 40);

struct SpreadRowsParams {
  int64_t outer;
  int64_t capacity;
  int64_t rowBytes;
  int64_t extra;
  int32_t dense;
  int32_t reserved;
};
static_assert(sizeof(SpreadRowsParams) == 40);
static_assert(offsetof(SpreadRowsParams, outer) == 0);
static_assert(offsetof(SpreadRowsParams, capacity) == 8);
static_assert(offsetof(SpreadRowsParams, rowBytes) == 16);
static_assert(offsetof(SpreadRowsParams, extra) == 24);
static_assert(offsetof(SpreadRowsParams, dense) == 32);
static_assert(offsetof(SpreadRowsParams, reserved) == 36);

struct TensorScatterParams {
  int64_t outer;
  int64_t perBatch;
  int64_t axis;
  int64_t count;
  int64_t blockBytes;
  int32_t circular;
  int32_t hasPositions;
};
static_assert(sizeof(TensorScatterParams) == 48);
static_assert(offsetof(TensorScatterParams, outer) == 0);
static_assert(offsetof(TensorScatterParams, perBatch) == 8);
static_assert(offsetof(TensorScatterParams, axis) == 16);
static_assert(offsetof(TensorScatterParams, count) == 24);
static_assert(offsetof(TensorScatterParams, blockBytes) == 32);
static_assert(offsetof(TensorScatterParams, circular) == 40);
static_assert(offsetof(TensorScatterParams, hasPositions) == 44);

}  // namespace dsnk
