// Generated from lib/kernels/select.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ArgReduceParams {
  int32_t smallest;
  int32_t last;
  int64_t outer;
  int64_t n;
  int64_t inner;
};
static_assert(sizeof(ArgReduceParams) == 32);
static_assert(offsetof(ArgReduceParams, smallest) == 0);
static_assert(offsetof(ArgReduceParams, last) == 4);
static_assert(offsetof(ArgReduceParams, outer) == 8);
static_assert(offsetof(ArgReduceParams, n) == 16);
static_assert(offsetof(ArgReduceParams, inner) == 24);

struct TopkParams {
  int32_t smallest;
  int32_t spare;
  int64_t outer;
  int64_t n;
  int64_t inner;
  int64_t k;
};
static_assert(sizeof(TopkParams) == 40);
static_assert(offsetof(TopkParams, smallest) == 0);
static_assert(offsetof(TopkParams, spare) == 4);
static_assert(offsetof(TopkParams, outer) == 8);
static_assert(offsetof(TopkParams, n) == 16);
static_assert(offsetof(TopkParams, inner) == 24);
static_assert(offsetof(TopkParams, k) == 32);

}  // namespace dsnk
