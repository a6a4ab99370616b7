// Generated from lib/kernels/cast.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class CastRound : int32_t {
  up = 0,
  down = 1,
  nearest = 2,
};
constexpr int32_t kCastRoundCount = 3;

enum class CastType : int32_t {
  f32 = 0,
  f64 = 1,
  f16 = 2,
  bf16 = 3,
  f8e4m3fn = 4,
  f8e4m3fnuz = 5,
  f8e5m2 = 6,
  f8e5m2fnuz = 7,
  f8e8m0 = 8,
  f4e2m1 = 9,
  i8 = 10,
  i16 = 11,
  i32 = 12,
  i64 = 13,
  u8 = 14,
  u16 = 15,
  u32 = 16,
  u64 = 17,
  i4 = 18,
  u4 = 19,
  i2 = 20,
  u2 = 21,
  boolean = 22,
};
constexpr int32_t kCastTypeCount = 23;

struct CastParams {
  int64_t count;
  int32_t from;
  int32_t to;
  int32_t saturate;
  int32_t round;
};
static_assert(sizeof(CastParams) == 24);
static_assert(offsetof(CastParams, count) == 0);
static_assert(offsetof(CastParams, from) == 8);
static_assert(offsetof(CastParams, to) == 12);
static_assert(offsetof(CastParams, saturate) == 16);
static_assert(offsetof(CastParams, round) == 20);

}  // namespace dsnk
