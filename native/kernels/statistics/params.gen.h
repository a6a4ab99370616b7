// Generated from lib/kernels/statistics.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct HistogramParams {
  int64_t count;
  int64_t parts;
  int32_t bins;
  int32_t index;
};
static_assert(sizeof(HistogramParams) == 24);
static_assert(offsetof(HistogramParams, count) == 0);
static_assert(offsetof(HistogramParams, parts) == 8);
static_assert(offsetof(HistogramParams, bins) == 16);
static_assert(offsetof(HistogramParams, index) == 20);

}  // namespace dsnk
