// Generated from lib/kernels/pointwise.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class PointwiseOp : int32_t {
  copy = 0,
  abs = 1,
  neg = 2,
  sign = 3,
  floor = 4,
  ceil = 5,
  round = 6,
  reciprocal = 7,
  sqrt = 8,
  exp = 9,
  log = 10,
  sin = 11,
  cos = 12,
  tan = 13,
  asin = 14,
  acos = 15,
  atan = 16,
  sinh = 17,
  cosh = 18,
  tanh = 19,
  asinh = 20,
  acosh = 21,
  atanh = 22,
  erf = 23,
  sigmoid = 24,
  softplus = 25,
  softsign = 26,
  relu = 27,
  gelu = 28,
  geluTanh = 29,
  mish = 30,
  hardSwish = 31,
  logicalNot = 32,
  isNaN = 33,
  bitwiseNot = 34,
  add = 35,
  sub = 36,
  mul = 37,
  div = 38,
  pow = 39,
  mod = 40,
  fmod = 41,
  min = 42,
  max = 43,
  leakyRelu = 44,
  elu = 45,
  celu = 46,
  thresholdedRelu = 47,
  swish = 48,
  equal = 49,
  less = 50,
  lessOrEqual = 51,
  logicalAnd = 52,
  logicalOr = 53,
  logicalXor = 54,
  bitwiseAnd = 55,
  bitwiseOr = 56,
  bitwiseXor = 57,
  shiftLeft = 58,
  shiftRight = 59,
  clip = 60,
  selu = 61,
  shrink = 62,
  hardSigmoid = 63,
  isInf = 64,
  where = 65,
  mulAdd = 66,
};
constexpr int32_t kPointwiseOpCount = 67;

enum class PointwiseSource : int32_t {
  none = 0,
  register_ = 1,
  input = 2,
  immediate = 3,
};
constexpr int32_t kPointwiseSourceCount = 4;

enum class PointwiseType : int32_t {
  own = 0,
  boolean = 1,
  half = 2,
  bfloat = 3,
  byte = 4,
  signedByte = 5,
};
constexpr int32_t kPointwiseTypeCount = 6;

struct PointwiseParams {
  int64_t dims[8];
  int32_t rank;
  int32_t inputs;
  int32_t immediates;
  int32_t steps;
  int32_t registers;
  int32_t outputType;
};
static_assert(sizeof(PointwiseParams) == 88);
static_assert(offsetof(PointwiseParams, dims) == 0);
static_assert(offsetof(PointwiseParams, rank) == 64);
static_assert(offsetof(PointwiseParams, inputs) == 68);
static_assert(offsetof(PointwiseParams, immediates) == 72);
static_assert(offsetof(PointwiseParams, steps) == 76);
static_assert(offsetof(PointwiseParams, registers) == 80);
static_assert(offsetof(PointwiseParams, outputType) == 84);

}  // namespace dsnk
