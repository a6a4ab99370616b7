// The tile registers of AMX. As assembly and not as intrinsics: those of GCC 12 do not tell the compiler that a tile
// load reads memory, so that a store to it may move behind the load.
#pragma once
#include <cstdint>

namespace dsnk {

// All eight tiles whole: 16 rows of 64 bytes. The processor keeps state for a thread from here on; the destructor gives
// it back, so that a context switch need not save it.
class AmxTiles {
 public:
  AmxTiles() {
    struct alignas(64) Config {
      uint8_t palette, startRow, reserved[14];
      uint16_t rowBytes[16];
      uint8_t rows[16];
    };
    static_assert(sizeof(Config) == 64);
    Config config{.palette = 1, .startRow = 0, .reserved = {}, .rowBytes = {}, .rows = {}};
    for (int t = 0; t < 8; t++) {
      config.rowBytes[t] = 64;
      config.rows[t] = 16;
    }
    asm volatile("ldtilecfg %0" : : "m"(config) : "memory");
  }
  ~AmxTiles() { asm volatile("tilerelease" : : : "memory"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  template <int t>
  void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(t));
  }
  template <int t>
  void load(const void* from, int64_t strideBytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(strideBytes), "i"(t) : "memory");
  }
  template <int t>
  void store(void* to, int64_t strideBytes) const {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(strideBytes), "i"(t) : "memory");
  }
  // c += a·b: floats from pairs of bfloats, 32-bit integers from quads of bytes, unsigned in a and signed in b.
  template <int c, int a, int b>
  void multiplyBfloats() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(c), "i"(a), "i"(b));
  }
  template <int c, int a, int b>
  void multiplyBytes() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(c), "i"(a), "i"(b));
  }
};

}  // namespace dsnk
