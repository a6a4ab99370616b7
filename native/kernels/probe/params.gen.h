// Generated from lib/kernels/probe.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct ProbeFmaParams {
  int64_t iterations;
  int64_t tiles;
};
static_assert(sizeof(ProbeFmaParams) == 16);
static_assert(offsetof(ProbeFmaParams, iterations) == 0);
static_assert(offsetof(ProbeFmaParams, tiles) == 8);

struct ProbeReadParams {
  int64_t bytes;
  int64_t rounds;
  int64_t tiles;
};
static_assert(sizeof(ProbeReadParams) == 24);
static_assert(offsetof(ProbeReadParams, bytes) == 0);
static_assert(offsetof(ProbeReadParams, rounds) == 8);
static_assert(offsetof(ProbeReadParams, tiles) == 16);

}  // namespace dsnk
