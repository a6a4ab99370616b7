// Generated from lib/kernels/copy.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct CopyParams {
  int64_t bytes;
};
static_assert(sizeof(CopyParams) == 8);
static_assert(offsetof(CopyParams, bytes) == 0);

}  // namespace dsnk
