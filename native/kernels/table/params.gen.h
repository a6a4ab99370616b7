// Generated from lib/kernels/table.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ByteTableParams {
  int64_t count;
};
static_assert(sizeof(ByteTableParams) == 8);
static_assert(offsetof(ByteTableParams, count) == 0);

}  // namespace dsnk
