// cuda/sm90.cuh for the host's compiler: cuda/emulator/warpgroup.cc does the work.
#pragma once
#include "cuda/emulator/warpgroup.h"

#define DSNK_SM90 1

namespace dsnk {

inline int count_bits(uint32_t bits) { return __builtin_popcount(bits); }

inline void init_barrier(PhaseBarrier* b, uint32_t arrivals) { emulated::init_barrier(b, arrivals); }
inline void publish_barriers() { emulated::publish_barriers(); }
inline void arrive(PhaseBarrier* b) { emulated::arrive(b, 0); }
inline void arrive_expecting(PhaseBarrier* b, uint32_t bytes) { emulated::arrive(b, bytes); }
inline void wait_barrier(PhaseBarrier* b, uint32_t parity, emulated::At at = emulated::At::here()) {
  emulated::wait_barrier(b, parity, at);
}
inline void copy_bulk(void* shared, const void* global, uint32_t bytes, PhaseBarrier* b) {
  emulated::copy_bulk(shared, global, bytes, b);
}
inline void fence_stores() {}
template <int N>
void take_registers() {}
template <int N>
void leave_registers() {}

// Of the block's window of shared memory.
inline uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(static_cast<const unsigned char*>(p) - emulated::place.shared);
}

inline void fence_products(emulated::At at = emulated::At::here()) {
  emulated::meet(emulated::fence_lanes, nullptr, at);
}
inline void commit_products(emulated::At at = emulated::At::here()) {
  emulated::meet(emulated::commit_lanes, nullptr, at);
}
template <int N, class D>
void wait_products(D (&)[128], emulated::At at = emulated::At::here()) {
  int newest = N;
  emulated::meet(emulated::wait_lanes, &newest, at);
}

#define DSNK_EMULATED_WARPGROUP(name, D)                                                                    \
  inline void multiply_##name(D(&d)[128], uint64_t a, uint64_t b, emulated::At at = emulated::At::here()) { \
    emulated::SharedProduct product{d, a, b};                                                               \
    emulated::meet(emulated::multiply_##name##_lanes, &product, at);                                        \
  }
DSNK_EMULATED_WARPGROUP(f16, float)
DSNK_EMULATED_WARPGROUP(bf16, float)
DSNK_EMULATED_WARPGROUP(u8s8, int32_t)

}  // namespace dsnk
