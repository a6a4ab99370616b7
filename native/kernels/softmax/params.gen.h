// Generated from lib/kernels/softmax.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class SoftmaxKind : int32_t {
  softmax = 0,
  logSoftmax = 1,
  hardmax = 2,
};
constexpr int32_t kSoftmaxKindCount = 3;

struct ByteSoftmaxParams {
  float ratio;
  int32_t zero;
  int64_t rows;
  int64_t n;
};
static_assert(sizeof(ByteSoftmaxParams) == 24);
static_assert(offsetof(ByteSoftmaxParams, ratio) == 0);
static_assert(offsetof(ByteSoftmaxParams, zero) == 4);
static_assert(offsetof(ByteSoftmaxParams, rows) == 8);
static_assert(offsetof(ByteSoftmaxParams, n) == 16);

struct SoftmaxParams {
  int32_t kind;
  int32_t spare;
  int64_t outer;
  int64_t n;
  int64_t inner;
};
static_assert(sizeof(SoftmaxParams) == 32);
static_assert(offsetof(SoftmaxParams, kind) == 0);
static_assert(offsetof(SoftmaxParams, spare) == 4);
static_assert(offsetof(SoftmaxParams, outer) == 8);
static_assert(offsetof(SoftmaxParams, n) == 16);
static_assert(offsetof(SoftmaxParams, inner) == 24);

}  // namespace dsnk
