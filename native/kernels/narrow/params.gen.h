// Generated from lib/kernels/narrow.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct NarrowPackParams {
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
static_assert(sizeof(NarrowPackParams) == 72);
static_assert(offsetof(NarrowPackParams, count) == 0);
static_assert(offsetof(NarrowPackParams, stride) == 8);
static_assert(offsetof(NarrowPackParams, n) == 16);
static_assert(offsetof(NarrowPackParams, strideN) == 24);
static_assert(offsetof(NarrowPackParams, outer) == 32);
static_assert(offsetof(NarrowPackParams, strideOuter) == 40);
static_assert(offsetof(NarrowPackParams, inner) == 48);
static_assert(offsetof(NarrowPackParams, strideInner) == 56);
static_assert(offsetof(NarrowPackParams, nr) == 64);
static_assert(offsetof(NarrowPackParams, kr) == 68);

}  // namespace dsnk
