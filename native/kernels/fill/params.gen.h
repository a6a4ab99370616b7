// Generated from lib/kernels/fill.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class OneHotType : int32_t {
  f32 = 0,
  f64 = 1,
  i8 = 2,
  u8 = 3,
  i16 = 4,
  u16 = 5,
  i32 = 6,
  u32 = 7,
  i64 = 8,
  u64 = 9,
};
constexpr int32_t kOneHotTypeCount = 10;

enum class RangeType : int32_t {
  f32 = 0,
  f64 = 1,
  i16 = 2,
  i32 = 3,
  i64 = 4,
};
constexpr int32_t kRangeTypeCount = 5;

struct EyeParams {
  int32_t elementBytes;
  int32_t reserved;
  int64_t rows;
  int64_t columns;
  int64_t diagonal;
  int32_t pattern[4];
};
static_assert(sizeof(EyeParams) == 48);
static_assert(offsetof(EyeParams, elementBytes) == 0);
static_assert(offsetof(EyeParams, reserved) == 4);
static_assert(offsetof(EyeParams, rows) == 8);
static_assert(offsetof(EyeParams, columns) == 16);
static_assert(offsetof(EyeParams, diagonal) == 24);
static_assert(offsetof(EyeParams, pattern) == 32);

struct FillParams {
  int64_t bytes;
  int32_t pattern[4];
};
static_assert(sizeof(FillParams) == 24);
static_assert(offsetof(FillParams, bytes) == 0);
static_assert(offsetof(FillParams, pattern) == 8);

struct OneHotParams {
  int32_t elementBytes;
  int32_t type;
  int64_t outer;
  int64_t depth;
  int64_t inner;
};
static_assert(sizeof(OneHotParams) == 32);
static_assert(offsetof(OneHotParams, elementBytes) == 0);
static_assert(offsetof(OneHotParams, type) == 4);
static_assert(offsetof(OneHotParams, outer) == 8);
static_assert(offsetof(OneHotParams, depth) == 16);
static_assert(offsetof(OneHotParams, inner) == 24);

struct RangeParams {
  int64_t count;
  int32_t type;
  int32_t reserved;
};
static_assert(sizeof(RangeParams) == 16);
static_assert(offsetof(RangeParams, count) == 0);
static_assert(offsetof(RangeParams, type) == 8);
static_assert(offsetof(RangeParams, reserved) == 12);

struct ReverseSequenceParams {
  int64_t time;
  int64_t batch;
  int64_t blockBytes;
  int32_t batchMajor;
  int32_t reserved;
};
static_assert(sizeof(ReverseSequenceParams) == 32);
static_assert(offsetof(ReverseSequenceParams, time) == 0);
static_assert(offsetof(ReverseSequenceParams, batch) == 8);
static_assert(offsetof(ReverseSequenceParams, blockBytes) == 16);
static_assert(offsetof(ReverseSequenceParams, batchMajor) == 24);
static_assert(offsetof(ReverseSequenceParams, reserved) == 28);

struct TriluParams {
  int32_t elementBytes;
  int32_t upper;
  int64_t batch;
  int64_t rows;
  int64_t columns;
  int64_t diagonal;
};
static_assert(sizeof(TriluParams) == 40);
static_assert(offsetof(TriluParams, elementBytes) == 0);
static_assert(offsetof(TriluParams, upper) == 4);
static_assert(offsetof(TriluParams, batch) == 8);
static_assert(offsetof(TriluParams, rows) == 16);
static_assert(offsetof(TriluParams, columns) == 24);
static_assert(offsetof(TriluParams, diagonal) == 32);

}  // namespace dsnk
