// Generated from lib/kernels/sparse.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct SparseCompressParams {
  int64_t count;
  int64_t stride;
  int64_t n;
  int64_t strideN;
  int64_t outer;
  int64_t strideOuter;
  int64_t inner;
  int64_t strideInner;
  int32_t nr;
  int32_t apart;
  int32_t zero;
  int32_t flip;
};
static_assert(sizeof(SparseCompressParams) == 80);
static_assert(offsetof(SparseCompressParams, count) == 0);
static_assert(offsetof(SparseCompressParams, stride) == 8);
static_assert(offsetof(SparseCompressParams, n) == 16);
static_assert(offsetof(SparseCompressParams, strideN) == 24);
static_assert(offsetof(SparseCompressParams, outer) == 32);
static_assert(offsetof(SparseCompressParams, strideOuter) == 40);
static_assert(offsetof(SparseCompressParams, inner) == 48);
static_assert(offsetof(SparseCompressParams, strideInner) == 56);
static_assert(offsetof(SparseCompressParams, nr) == 64);
static_assert(offsetof(SparseCompressParams, apart) == 68);
static_assert(offsetof(SparseCompressParams, zero) == 72);
static_assert(offsetof(SparseCompressParams, flip) == 76);

struct SparsePatternParams {
  int64_t count;
  int64_t stride;
  int64_t n;
  int64_t strideN;
  int64_t outer;
  int64_t strideOuter;
  int64_t inner;
  int64_t strideInner;
  int32_t zero;
  int32_t reserved;
};
static_assert(sizeof(SparsePatternParams) == 72);
static_assert(offsetof(SparsePatternParams, count) == 0);
static_assert(offsetof(SparsePatternParams, stride) == 8);
static_assert(offsetof(SparsePatternParams, n) == 16);
static_assert(offsetof(SparsePatternParams, strideN) == 24);
static_assert(offsetof(SparsePatternParams, outer) == 32);
static_assert(offsetof(SparsePatternParams, strideOuter) == 40);
static_assert(offsetof(SparsePatternParams, inner) == 48);
static_assert(offsetof(SparsePatternParams, strideInner) == 56);
static_assert(offsetof(SparsePatternParams, zero) == 64);
static_assert(offsetof(SparsePatternParams, reserved) == 68);

struct SparseSharedParams {
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
  int32_t vectorBytes;
  int32_t zero;
  int32_t flip;
  int32_t reserved;
};
static_assert(sizeof(SparseSharedParams) == 88);
static_assert(offsetof(SparseSharedParams, count) == 0);
static_assert(offsetof(SparseSharedParams, stride) == 8);
static_assert(offsetof(SparseSharedParams, n) == 16);
static_assert(offsetof(SparseSharedParams, strideN) == 24);
static_assert(offsetof(SparseSharedParams, outer) == 32);
static_assert(offsetof(SparseSharedParams, strideOuter) == 40);
static_assert(offsetof(SparseSharedParams, inner) == 48);
static_assert(offsetof(SparseSharedParams, strideInner) == 56);
static_assert(offsetof(SparseSharedParams, nr) == 64);
static_assert(offsetof(SparseSharedParams, kr) == 68);
static_assert(offsetof(SparseSharedParams, vectorBytes) == 72);
static_assert(offsetof(SparseSharedParams, zero) == 76);
static_assert(offsetof(SparseSharedParams, flip) == 80);
static_assert(offsetof(SparseSharedParams, reserved) == 84);

}  // namespace dsnk
