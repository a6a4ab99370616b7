// Generated from lib/kernels/strided.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct StridedCopyParams {
  int32_t elementBytes;
  int32_t rank;
  int64_t offset;
  int64_t dims[12];
  int64_t strides[12];
};
static_assert(sizeof(StridedCopyParams) == 208);
static_assert(offsetof(StridedCopyParams, elementBytes) == 0);
static_assert(offsetof(StridedCopyParams, rank) == 4);
static_assert(offsetof(StridedCopyParams, offset) == 8);
static_assert(offsetof(StridedCopyParams, dims) == 16);
static_assert(offsetof(StridedCopyParams, strides) == 112);

}  // namespace dsnk
