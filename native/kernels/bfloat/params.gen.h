// Generated from lib/kernels/bfloat.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct BfloatPackParams {
  int64_t count;
  int64_t stride;
  int64_t n;
  int64_t strideN;
  int64_t outer;
  int64_t strideOuter;
  int64_t inner;
  int64_t strideInner;
  int32_t nr;
  int32_t kr;
};
static_assert(sizeof(BfloatPackParams) == 72);
static_assert(offsetof(BfloatPackParams, count) == 0);
static_assert(offsetof(BfloatPackParams, stride) == 8);
static_assert(offsetof(BfloatPackParams, n) == 16);
static_assert(offsetof(BfloatPackParams, strideN) == 24);
static_assert(offsetof(BfloatPackParams, outer) == 32);
static_assert(offsetof(BfloatPackParams, strideOuter) == 40);
static_assert(offsetof(BfloatPackParams, inner) == 48);
static_assert(offsetof(BfloatPackParams, strideInner) == 56);
static_assert(offsetof(BfloatPackParams, nr) == 64);
static_assert(offsetof(BfloatPackParams, kr) == 68);

}  // namespace dsnk
