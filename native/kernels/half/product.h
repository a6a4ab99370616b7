// What products in halves are as products in narrow numbers, for the contracts and for the kernels.
#pragma once
#include "kernels/narrow/floats.h"

namespace dsnk {

// Halves in front of a panel for each of its columns: the two that a float takes, its scale.
constexpr int64_t kHalfHead = 2;
constexpr int64_t kHalfMostNr = 64;
// Sums of products in half precision: a chain of fused multiply-adds over kHalfChain k, kHalfChains of them added up.
constexpr int64_t kHalfChain = 32, kHalfChains = 4;
// Rows of a tile of registers, of a unit of m, and bytes of converted rows: a quarter of the L2 of a Cortex-A76 (512 KB
// on a Raspberry Pi 5), half of that of a Cortex-A78AE (256 KB on Orin).
constexpr int64_t kHalfRows = 8, kHalfUnitRows = 16, kHalfRowBytes = 128 * 1024;

template <class P>
inline NarrowProduct halfProductOf(const P& p, int64_t nr, int64_t kr) {
  NarrowProduct product = floatProductOf(p, nr, kr);
  // Partial sums between blocks of k would have to come back as halves. A panel is read at 4 bytes a cycle, which any
  // L2 gives.
  product.sumsFitY = false;
  product.head = kHalfHead * nr;
  product.unit = kHalfUnitRows;
  product.cacheBytes = kHalfRowBytes;
  return product;
}

}  // namespace dsnk
