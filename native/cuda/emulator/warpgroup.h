// What device code for Hopper calls in the emulated GPU.
#pragma once
#include "cuda/emulator/meeting.h"

namespace dsnk::emulated {

DSNK_EMULATOR_API void init_barrier(void* barrier, uint32_t arrivals);
DSNK_EMULATOR_API void publish_barriers();
DSNK_EMULATOR_API void arrive(void* barrier, uint32_t expectedBytes);
DSNK_EMULATOR_API void wait_barrier(void* barrier, uint32_t parity, At at);
DSNK_EMULATOR_API void copy_bulk(void* shared, const void* global, uint32_t bytes, void* barrier);

struct SharedProduct {
  void* d;  // 128 sums
  uint64_t a, b;
};
DSNK_EMULATOR_API void fence_lanes(void* const* lanes);
DSNK_EMULATOR_API void commit_lanes(void* const* lanes);
DSNK_EMULATOR_API void wait_lanes(void* const* lanes);
DSNK_EMULATOR_API void multiply_f16_lanes(void* const* lanes);
DSNK_EMULATOR_API void multiply_bf16_lanes(void* const* lanes);
DSNK_EMULATOR_API void multiply_u8s8_lanes(void* const* lanes);

}  // namespace dsnk::emulated
