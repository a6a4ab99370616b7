// Generated from lib/kernels/rnn.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class Cell : int32_t {
  rnn = 0,
  gru = 1,
  lstm = 2,
};
constexpr int32_t kCellCount = 3;

enum class CellActivation : int32_t {
  sigmoid = 0,
  tanh = 1,
  relu = 2,
  affine = 3,
  leakyRelu = 4,
  thresholdedRelu = 5,
  scaledTanh = 6,
  hardSigmoid = 7,
  elu = 8,
  softsign = 9,
  softplus = 10,
};
constexpr int32_t kCellActivationCount = 11;

struct RecurrentParams {
  int32_t kind;
  int32_t directions;
  uint32_t reverse;
  int32_t layout;
  int32_t linearBeforeReset;
  int32_t inputForget;
  float clip;
  int32_t spare;
  int64_t steps;
  int64_t batch;
  int64_t hidden;
  int32_t activation[6];
  float alpha[6];
  float beta[6];
};
static_assert(sizeof(RecurrentParams) == 128);
static_assert(offsetof(RecurrentParams, kind) == 0);
static_assert(offsetof(RecurrentParams, directions) == 4);
static_assert(offsetof(RecurrentParams, reverse) == 8);
static_assert(offsetof(RecurrentParams, layout) == 12);
static_assert(offsetof(RecurrentParams, linearBeforeReset) == 16);
static_assert(offsetof(RecurrentParams, inputForget) == 20);
static_assert(offsetof(RecurrentParams, clip) == 24);
static_assert(offsetof(RecurrentParams, spare) == 28);
static_assert(offsetof(RecurrentParams, steps) == 32);
static_assert(offsetof(RecurrentParams, batch) == 40);
static_assert(offsetof(RecurrentParams, hidden) == 48);
static_assert(offsetof(RecurrentParams, activation) == 56);
static_assert(offsetof(RecurrentParams, alpha) == 80);
static_assert(offsetof(RecurrentParams, beta) == 104);

}  // namespace dsnk
