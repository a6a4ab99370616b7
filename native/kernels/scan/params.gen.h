// Generated from lib/kernels/scan.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class ScanKind : int32_t {
  sum = 0,
  product = 1,
};
constexpr int32_t kScanKindCount = 2;

struct ScanParams {
  int32_t kind;
  int32_t exclusive;
  int32_t reverse;
  int32_t spare;
  int64_t outer;
  int64_t n;
  int64_t inner;
};
static_assert(sizeof(ScanParams) == 40);
static_assert(offsetof(ScanParams, kind) == 0);
static_assert(offsetof(ScanParams, exclusive) == 4);
static_assert(offsetof(ScanParams, reverse) == 8);
static_assert(offsetof(ScanParams, spare) == 12);
static_assert(offsetof(ScanParams, outer) == 16);
static_assert(offsetof(ScanParams, n) == 24);
static_assert(offsetof(ScanParams, inner) == 32);

}  // namespace dsnk
