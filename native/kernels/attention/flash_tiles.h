// Where attention/flash.cuh keeps queries, keys and values in shared memory: for kernels, plans and tests.
#pragma once
#include <cstdint>

namespace dsnk {

// Keys of a step: as many as a page of a cache has.
constexpr int kFlashKeys = 64;

// Heads of up to `width` numbers; warps of 16·high queries each. Queries, then one step of keys and one of values.
template <int inWidth, int inHigh>
struct FlashTile {
  static constexpr int width = inWidth, high = inHigh, warps = 4, threads = warps * 32, rows = warps * 16 * high;
  static constexpr int pieces = width / 8;  // of 16 bytes in a row
  // A step is copied so many rows at a time, by the threads that these have pieces for.
  static constexpr int rowsAtOnce = pieces <= 8 ? 16 : pieces <= 16 ? 8 : 4;
  static constexpr int bytesQ = rows * width * 2, bytesStep = kFlashKeys * width * 2, bytes = bytesQ + 2 * bytesStep;
  static_assert(width % 32 == 0 && rowsAtOnce * pieces <= threads, "a piece a thread");

  // A matrix instruction loads 16 bytes of 8 rows: pieces are permuted by the row so that these lie in different banks. Rows
  // of an odd number of 64 bytes are two by two in different halves of the banks already.
  static constexpr int place(int row, int piece) {
    return (row * pieces + (pieces % 8 == 0 ? piece ^ (row & 7) : piece ^ (row >> 1 & 3))) * 16;
  }
  // The place of piece p + n of a row, from that of piece p = 0 or 1: one operation, n is even and known.
  static constexpr int moved(int place, int n) {
    constexpr int bits = pieces % 8 == 0 ? 7 : 3;
    return (place ^ (n & bits) << 4) + (n & ~bits) * 16;
  }
};

using Flash64 = FlashTile<64, 2>;
using Flash96 = FlashTile<96, 2>;
using Flash128 = FlashTile<128, 2>;
using Flash256 = FlashTile<256, 1>;
using FlashCapped = FlashTile<128, 1>;  // tanh takes registers

}  // namespace dsnk
