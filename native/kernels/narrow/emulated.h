// The tile registers of AMX in plain C++: eight of 16 rows of 64 bytes, all configured whole. What each operation does
// is that of Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2: TILELOADD, TILESTORED, TILEZERO,
// TDPBF16PS, TDPBUSD. For tests.
#pragma once
#include <cstring>

#include "kernels/bfloat/convert.h"

namespace dsnk {

class EmulatedTiles {
 public:
  template <int t>
  void zero() {
    std::memset(tile_[t], 0, sizeof tile_[t]);
  }
  template <int t>
  void load(const void* from, int64_t strideBytes) {
    for (int64_t i = 0; i < 16; i++) std::memcpy(tile_[t][i], static_cast<const char*>(from) + i * strideBytes, 64);
  }
  template <int t>
  void store(void* to, int64_t strideBytes) const {
    for (int64_t i = 0; i < 16; i++) std::memcpy(static_cast<char*>(to) + i * strideBytes, tile_[t][i], 64);
  }
  // Sums of even and of odd k apart, each product added with one rounding; then both together; then the tile's sum.
  // Denormals are zeros before and after each step.
  template <int c, int a, int b>
  void multiplyBfloats() {
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 16; j++) {
        float even = 0, odd = 0;
        for (int k = 0; k < 16; k++) {
          const uint32_t x = tile_[a][i][k], y = tile_[b][k][j];
          even = flushed(even + low(x) * low(y));
          odd = flushed(odd + high(x) * high(y));
        }
        const float sum = flushed(flushed(floatOfBits(tile_[c][i][j])) + flushed(even + odd));
        tile_[c][i][j] = bitsOfFloat(sum);
      }
    }
  }

  // Four products of an unsigned and a signed byte into a sum that wraps.
  template <int c, int a, int b>
  void multiplyBytes() {
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 16; j++) {
        for (int k = 0; k < 16; k++) {
          const uint32_t x = tile_[a][i][k], y = tile_[b][k][j];
          for (int byte = 0; byte < 32; byte += 8) {
            tile_[c][i][j] +=
                static_cast<uint32_t>(static_cast<int32_t>(x >> byte & 255) * static_cast<int8_t>(y >> byte & 255));
          }
        }
      }
    }
  }

 private:
  static float high(uint32_t pair) { return flushed(floatOfBits(pair & 0xffff0000)); }
  static float low(uint32_t pair) { return flushed(floatOfBits(pair << 16)); }

  uint32_t tile_[8][16][16];
};

}  // namespace dsnk
