// Generated from lib/kernels/concat.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ConcatParams {
  int64_t outer;
  int64_t rowBytes;
  int64_t stride;
};
static_assert(sizeof(ConcatParams) == 24);
static_assert(offsetof(ConcatParams, outer) == 0);
static_assert(offsetof(ConcatParams, rowBytes) == 8);
static_assert(offsetof(ConcatParams, stride) == 16);

}  // namespace dsnk
