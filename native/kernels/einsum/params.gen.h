// Generated from lib/kernels/einsum.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct EinsumParams {
  int32_t outRank;
  int32_t rank;
  int64_t dims[12];
  int64_t strideA[12];
  int64_t strideB[12];
};
static_assert(sizeof(EinsumParams) == 296);
static_assert(offsetof(EinsumParams, outRank) == 0);
static_assert(offsetof(EinsumParams, rank) == 4);
static_assert(offsetof(EinsumParams, dims) == 8);
static_assert(offsetof(EinsumParams, strideA) == 104);
static_assert(offsetof(EinsumParams, strideB) == 200);

}  // namespace dsnk
