// Generated from lib/kernels/fit.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class FitAlgorithm : int32_t {
  rtn = 0,
  mse = 1,
  hqq = 2,
};
constexpr int32_t kFitAlgorithmCount = 3;

struct FactorHessianParams {
  int64_t count;
  int64_t k;
  float damping;
  int32_t sorted;
};
static_assert(sizeof(FactorHessianParams) == 24);
static_assert(offsetof(FactorHessianParams, count) == 0);
static_assert(offsetof(FactorHessianParams, k) == 8);
static_assert(offsetof(FactorHessianParams, damping) == 16);
static_assert(offsetof(FactorHessianParams, sorted) == 20);

struct FitWeightsParams {
  int64_t n;
  int64_t k;
  int64_t group;
  int64_t factors;
  int32_t bits;
  int32_t symmetric;
  int32_t algorithm;
  int32_t sweeps;
  float damping;
  int32_t reserved;
};
static_assert(sizeof(FitWeightsParams) == 56);
static_assert(offsetof(FitWeightsParams, n) == 0);
static_assert(offsetof(FitWeightsParams, k) == 8);
static_assert(offsetof(FitWeightsParams, group) == 16);
static_assert(offsetof(FitWeightsParams, factors) == 24);
static_assert(offsetof(FitWeightsParams, bits) == 32);
static_assert(offsetof(FitWeightsParams, symmetric) == 36);
static_assert(offsetof(FitWeightsParams, algorithm) == 40);
static_assert(offsetof(FitWeightsParams, sweeps) == 44);
static_assert(offsetof(FitWeightsParams, damping) == 48);
static_assert(offsetof(FitWeightsParams, reserved) == 52);

struct PackBitsParams {
  int64_t rows;
  int64_t k;
  int64_t rowBits;
  int32_t bits;
  int32_t offset;
  int32_t flip;
  int32_t reserved;
};
static_assert(sizeof(PackBitsParams) == 40);
static_assert(offsetof(PackBitsParams, rows) == 0);
static_assert(offsetof(PackBitsParams, k) == 8);
static_assert(offsetof(PackBitsParams, rowBits) == 16);
static_assert(offsetof(PackBitsParams, bits) == 24);
static_assert(offsetof(PackBitsParams, offset) == 28);
static_assert(offsetof(PackBitsParams, flip) == 32);
static_assert(offsetof(PackBitsParams, reserved) == 36);

struct PruneWeightsParams {
  int64_t n;
  int64_t k;
  int64_t block;
  int64_t factors;
  float ratio;
  float damping;
  int32_t sweeps;
  int32_t steps;
};
static_assert(sizeof(PruneWeightsParams) == 48);
static_assert(offsetof(PruneWeightsParams, n) == 0);
static_assert(offsetof(PruneWeightsParams, k) == 8);
static_assert(offsetof(PruneWeightsParams, block) == 16);
static_assert(offsetof(PruneWeightsParams, factors) == 24);
static_assert(offsetof(PruneWeightsParams, ratio) == 32);
static_assert(offsetof(PruneWeightsParams, damping) == 36);
static_assert(offsetof(PruneWeightsParams, sweeps) == 40);
static_assert(offsetof(PruneWeightsParams, steps) == 44);

}  // namespace dsnk
