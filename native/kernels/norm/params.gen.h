// Generated from lib/kernels/norm.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class ChannelNorm : int32_t {
  batch = 0,
  deviation = 1,
};
constexpr int32_t kChannelNormCount = 2;

enum class RowNorm : int32_t {
  layer = 0,
  rms = 1,
};
constexpr int32_t kRowNormCount = 2;

struct ChannelNormParams {
  int32_t kind;
  float epsilon;
  int64_t outer;
  int64_t channels;
  int64_t inner;
};
static_assert(sizeof(ChannelNormParams) == 32);
static_assert(offsetof(ChannelNormParams, kind) == 0);
static_assert(offsetof(ChannelNormParams, epsilon) == 4);
static_assert(offsetof(ChannelNormParams, outer) == 8);
static_assert(offsetof(ChannelNormParams, channels) == 16);
static_assert(offsetof(ChannelNormParams, inner) == 24);

struct LpNormParams {
  int32_t p;
  int32_t spare;
  int64_t outer;
  int64_t n;
  int64_t inner;
};
static_assert(sizeof(LpNormParams) == 32);
static_assert(offsetof(LpNormParams, p) == 0);
static_assert(offsetof(LpNormParams, spare) == 4);
static_assert(offsetof(LpNormParams, outer) == 8);
static_assert(offsetof(LpNormParams, n) == 16);
static_assert(offsetof(LpNormParams, inner) == 24);

struct LrnParams {
  float alpha;
  float beta;
  float bias;
  int32_t size;
  int64_t outer;
  int64_t channels;
  int64_t inner;
};
static_assert(sizeof(LrnParams) == 40);
static_assert(offsetof(LrnParams, alpha) == 0);
static_assert(offsetof(LrnParams, beta) == 4);
static_assert(offsetof(LrnParams, bias) == 8);
static_assert(offsetof(LrnParams, size) == 12);
static_assert(offsetof(LrnParams, outer) == 16);
static_assert(offsetof(LrnParams, channels) == 24);
static_assert(offsetof(LrnParams, inner) == 32);

struct MomentsParams {
  float momentum;
  int32_t spare;
  int64_t outer;
  int64_t channels;
  int64_t inner;
};
static_assert(sizeof(MomentsParams) == 32);
static_assert(offsetof(MomentsParams, momentum) == 0);
static_assert(offsetof(MomentsParams, spare) == 4);
static_assert(offsetof(MomentsParams, outer) == 8);
static_assert(offsetof(MomentsParams, channels) == 16);
static_assert(offsetof(MomentsParams, inner) == 24);

struct NormRowsParams {
  int32_t kind;
  float epsilon;
  int64_t rows;
  int64_t n;
  int64_t segment;
  int64_t period;
  int64_t skipRows;
};
static_assert(sizeof(NormRowsParams) == 48);
static_assert(offsetof(NormRowsParams, kind) == 0);
static_assert(offsetof(NormRowsParams, epsilon) == 4);
static_assert(offsetof(NormRowsParams, rows) == 8);
static_assert(offsetof(NormRowsParams, n) == 16);
static_assert(offsetof(NormRowsParams, segment) == 24);
static_assert(offsetof(NormRowsParams, period) == 32);
static_assert(offsetof(NormRowsParams, skipRows) == 40);

}  // namespace dsnk
