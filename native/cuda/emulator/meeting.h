// What device code calls in the emulated GPU. A warp's collective is a meeting: each lane comes with what it brings, and the
// last one does the work for all. Lanes that come to different places, or have ended, make the launch fail.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/work.h"

#define DSNK_EMULATOR_API __attribute__((visibility("default")))

namespace dsnk::emulated {

struct Index {
  unsigned x, y, z;
};
// Where the running thread is.
struct Place {
  Index thread, block, blockDim_, gridDim_;
  unsigned char* shared;
};
extern DSNK_EMULATOR_API Place place;

// A line of device code: default arguments are evaluated where the call stands.
struct At {
  const char* file;
  int line;
  static constexpr At here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

using Together = void (*)(void* const* lanes);
DSNK_EMULATOR_API void meet(Together work, void* mine, At at);
DSNK_EMULATOR_API void sync_block(At at);

struct Shuffle {
  uint32_t value;
  int from;
  uint32_t got;
};
struct Ballot {
  bool yes;
  uint32_t got;
};
struct Rows {
  uint32_t* r;
  const void* row;
};
struct Product {
  void* d;
  const uint32_t* a;
  const uint32_t* b;
  uint32_t metadata;
  int selector;
};

DSNK_EMULATOR_API void no_work(void* const* lanes);
DSNK_EMULATOR_API void shuffle_lanes(void* const* lanes);
DSNK_EMULATOR_API void ballot_lanes(void* const* lanes);
DSNK_EMULATOR_API void load_lanes4(void* const* lanes);
DSNK_EMULATOR_API void load_lanes4_transposed(void* const* lanes);
DSNK_EMULATOR_API void load_lanes2(void* const* lanes);
DSNK_EMULATOR_API void load_lanes2_transposed(void* const* lanes);
DSNK_EMULATOR_API void mma_f16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_f16_k8_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_bf16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_tf32_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_u8s8_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_s8s8_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_u8s8_k16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_s8s8_k16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_sparse_f16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_sparse_bf16_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_sparse_s8_lanes(void* const* lanes);
DSNK_EMULATOR_API void mma_sparse_s8u8_lanes(void* const* lanes);

// Copies to shared memory: done when waited for; until then what they will overwrite is poison.
DSNK_EMULATOR_API void copy_async(void* shared, const void* global, unsigned bytes, bool take);
DSNK_EMULATOR_API void commit_copies();
DSNK_EMULATOR_API void wait_copies(unsigned newest);

// Ends the launch.
[[noreturn]] DSNK_EMULATOR_API void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline void aligned(const void* p, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(p) % bytes != 0) fail("an access of %zu bytes at %p is not aligned", bytes, p);
}

struct Entry {
  const char* name;
  int least;  // compute capability, as DSNK_ENTRY_FROM has it
  unsigned threads;
  size_t paramBytes;
  void (*run)(const GpuWork& work, const void* params);
};
// Names an entry while the library of its .cu file is being loaded.
struct DSNK_EMULATOR_API Registration {
  Registration(const Entry& entry);
};

}  // namespace dsnk::emulated
