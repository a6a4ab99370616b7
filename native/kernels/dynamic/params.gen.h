// Generated from lib/kernels/dynamic.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct CompressParams {
  int64_t outer;
  int64_t length;
  int64_t innerBytes;
  int64_t conditions;
};
static_assert(sizeof(CompressParams) == 32);
static_assert(offsetof(CompressParams, outer) == 0);
static_assert(offsetof(CompressParams, length) == 8);
static_assert(offsetof(CompressParams, innerBytes) == 16);
static_assert(offsetof(CompressParams, conditions) == 24);

struct NonMaxSuppressionParams {
  int64_t batches;
  int64_t classes;
  int64_t boxes;
  int64_t limit;
  int32_t centerPoint;
  int32_t unused;
};
static_assert(sizeof(NonMaxSuppressionParams) == 40);
static_assert(offsetof(NonMaxSuppressionParams, batches) == 0);
static_assert(offsetof(NonMaxSuppressionParams, classes) == 8);
static_assert(offsetof(NonMaxSuppressionParams, boxes) == 16);
static_assert(offsetof(NonMaxSuppressionParams, limit) == 24);
static_assert(offsetof(NonMaxSuppressionParams, centerPoint) == 32);
static_assert(offsetof(NonMaxSuppressionParams, unused) == 36);

struct NonZeroParams {
  int32_t elementBytes;
  int32_t floating;
  int32_t rank;
  int32_t unused;
  int64_t dims[8];
};
static_assert(sizeof(NonZeroParams) == 80);
static_assert(offsetof(NonZeroParams, elementBytes) == 0);
static_assert(offsetof(NonZeroParams, floating) == 4);
static_assert(offsetof(NonZeroParams, rank) == 8);
static_assert(offsetof(NonZeroParams, unused) == 12);
static_assert(offsetof(NonZeroParams, dims) == 16);

struct UniqueParams {
  int64_t outer;
  int64_t length;
  int64_t inner;
  int32_t sorted;
  int32_t unused;
};
static_assert(sizeof(UniqueParams) == 32);
static_assert(offsetof(UniqueParams, outer) == 0);
static_assert(offsetof(UniqueParams, length) == 8);
static_assert(offsetof(UniqueParams, inner) == 16);
static_assert(offsetof(UniqueParams, sorted) == 24);
static_assert(offsetof(UniqueParams, unused) == 28);

}  // namespace dsnk
