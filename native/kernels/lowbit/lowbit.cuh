// The bits of packed weights on a GPU: panels of 32 columns. lowbit.h and pack.cc have the order.
#pragma once
#include "kernels/integer/bytes.cuh"
#include "kernels/lowbit/params.gen.h"
#include "kernels/lowbit/lowbit_tiles.h"

namespace dsnk {

// A unit is 16 k of a panel in `bits` vectors of 16 words. Word i of half h of the columns is column 16·h + i.
constexpr int kUnit = 16, kHalf = kLowBitGpuNr / 2;

struct LowBitPanels {
  int64_t k, group, groups, blockBytes, headBytes, panelBytes;

  template <class P>
  __device__ __forceinline__ explicit LowBitPanels(const P& p) : k(p.k), group(p.group) {
    const int64_t units = (k + kUnit - 1) / kUnit, unitBytes = int64_t{p.bits} * 4 * kHalf;
    groups = divide(k + group - 1, group).whole;
    headBytes = kLowBitGpuNr * 4 * (1 + p.zeros);
    blockBytes = headBytes + group / kUnit * unitBytes;
    panelBytes = (groups * headBytes + units * unitBytes + 63) / 64 * 64;
  }
  // Units of a group: the last one may be short.
  __device__ __forceinline__ int unitsOf(int64_t g) const {
    const int64_t left = k - g * group;
    return static_cast<int>(((left < group ? left : group) + kUnit - 1) / kUnit);
  }
};

// Bytes of quad q of k: the codes of word `at` of half h, of which `words` are those of the unit.
template <int bits>
__device__ __forceinline__ uint32_t codesOf(const uint32_t* words, int at, int q, int h) {
  if (bits == 8) return words[(2 * q + h) * kHalf + at];
  if (bits == 4) return words[q * kHalf + at] >> 4 * h & 0x0f0f0f0fu;
  const uint32_t low = words[q / 2 * kHalf + at] >> (4 * (q % 2) + 2 * h) & 0x03030303u;
  if (bits == 2) return low;
  const int shift = 2 * q + h - 2;
  const uint32_t top = words[2 * kHalf + at];
  return low | ((shift < 0 ? top << -shift : top >> shift) & 0x04040404u);
}

// f(Bits<bits>): all threads have the same.
template <int n>
struct Bits {
  static constexpr int value = n;
};
template <class F>
__device__ __forceinline__ void withBits(int bits, F f) {
  if (bits == 8) {
    f(Bits<8>{});
  } else if (bits == 4) {
    f(Bits<4>{});
  } else if (bits == 3) {
    f(Bits<3>{});
  } else {
    f(Bits<2>{});
  }
}

}  // namespace dsnk
