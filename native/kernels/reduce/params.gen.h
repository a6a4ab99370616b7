// Generated from lib/kernels/reduce.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class Reduction : int32_t {
  sum = 0,
  mean = 1,
  max = 2,
  min = 3,
  prod = 4,
  l1 = 5,
  l2 = 6,
  logSum = 7,
  logSumExp = 8,
  sumSquare = 9,
};
constexpr int32_t kReductionCount = 10;

struct ReduceParams {
  int32_t kind;
  int32_t rank;
  uint32_t reduced;
  uint32_t spare;
  int64_t dims[8];
};
static_assert(sizeof(ReduceParams) == 80);
static_assert(offsetof(ReduceParams, kind) == 0);
static_assert(offsetof(ReduceParams, rank) == 4);
static_assert(offsetof(ReduceParams, reduced) == 8);
static_assert(offsetof(ReduceParams, spare) == 12);
static_assert(offsetof(ReduceParams, dims) == 16);

}  // namespace dsnk
