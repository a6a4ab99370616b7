// How a product in bfloats is cut: what matrix products and convolutions share, whatever row computes them.
//
// Both are  y[i] += a[i]·b  with the rows of a made on the way: float32 in memory, converted (and for a convolution
// gathered) into scratch as [row][k] bfloats, zeros up to kPadded; b was packed when the program was loaded.
#pragma once
#include "kernels/conv/params.gen.h"
#include "kernels/gemm/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// Rows of a unit of m where registers hold the tile: the height of AVX-512's. The cut does not change results.
constexpr int64_t kBfloatUnitRows = 14;
// k of a block of b: 1024·32 columns·2 bytes = 64 KB, read from L2 at 5 bytes a cycle behind the products. Partial sums
// pass through y; the columns of y that do so together are bounded, so that they stay in L2.
constexpr int64_t kBfloatKc = 1024, kBfloatNc = 256;
// The same for tiles of AMX, which multiply so fast that the block must lie in L1: 32 KB.
constexpr int64_t kTileKc = 512;
// Bytes of converted rows: half of a 1 MB L2.
constexpr int64_t kBfloatRowBytes = 512 * 1024;
// Rows and columns of the sums that tiles of AMX leave in scratch.
constexpr int64_t kTileBlock = 32;

// A batch of products: of matrices, or of the groups of a convolution over its pixels.
struct BfloatProduct {
  int64_t batch, m, n, k;
  int64_t nr, kr;

  // Computed by 16x16 tiles over 32 of k: 32 rows at a time, sums through scratch.
  bool tiles() const { return kr == 32; }
  int64_t kc() const { return tiles() ? kTileKc : kBfloatKc; }
  int64_t unitRows() const { return tiles() ? kTileBlock : kBfloatUnitRows; }
  int64_t kPadded() const { return roundUp(k, kr); }
  int64_t panelStride() const { return kPadded() * nr; }  // elements
  int64_t packedElements() const { return ceilDiv(n, nr) * panelStride(); }
  // Elements from row to row in scratch: an odd number of cache lines, so that the rows of a tile spread over all sets.
  int64_t rowStride() const { return roundUp(kPadded(), 32) | 32; }
  // Rows that are converted at a time.
  int64_t rowsAtOnce() const {
    const int64_t unit = unitRows(), most = 256 / unit * unit, least = 2 * unit;
    int64_t rows = kBfloatRowBytes / 2 / rowStride() / unit * unit;
    rows = rows < least ? least : rows > most ? most : rows;
    const int64_t all = tiles() ? roundUp(m, unit) : m;
    return rows < all ? rows : all;
  }
  uint64_t scratchBytes() const {
    if (batch == 0 || m == 0 || n == 0) return 0;
    const int64_t sums = tiles() ? kTileBlock * kTileBlock * 4 : 0;
    return static_cast<uint64_t>(rowsAtOnce() * rowStride() * 2 + sums);
  }
};

struct BfloatGrid {
  int64_t batch, m, n;
};

// The grid of exactly `tiles` tiles that takes least: batch = 0 where that many cannot be made. A tile converts its
// rows itself, at a sixth of the cost of multiplying them by one panel, and reads its panels.
inline BfloatGrid bfloatGrid(const BfloatProduct& p, int64_t tiles) {
  const int64_t mUnits = ceilDiv(p.m, p.unitRows()), nUnits = ceilDiv(p.n, p.nr);
  BfloatGrid best{0, 1, 1};
  double bestCost = 0;
  for (int64_t gb = 1; gb <= tiles && gb <= p.batch; gb++) {
    if (tiles % gb != 0) continue;
    const int64_t rest = tiles / gb;
    for (int64_t gm = 1; gm <= rest && gm <= mUnits; gm++) {
      const int64_t gn = rest / gm;
      if (rest % gm != 0 || gn > nUnits) continue;
      const double products = static_cast<double>(ceilDiv(p.batch, gb));
      const double rows = static_cast<double>(ceilDiv(mUnits, gm)), panels = static_cast<double>(ceilDiv(nUnits, gn));
      const double cost = products * (rows * panels + 0.17 * rows + 0.05 * panels);
      if (best.batch == 0 || cost < bestCost) {
        best = {gb, gm, gn};
        bestCost = cost;
      }
    }
  }
  return best;
}

inline uint32_t bfloatTiles(const BfloatProduct& p, uint32_t threads) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return 0;
  int64_t units = 0;
  if (__builtin_mul_overflow(ceilDiv(p.m, p.unitRows()) * ceilDiv(p.n, p.nr), p.batch, &units)) units = INT64_MAX;
  const int64_t rows = p.m < p.unitRows() ? p.m : p.unitRows();
  uint32_t t = tilesFor(units, rows * (p.k + 16), threads);
  while (bfloatGrid(p, t).batch == 0) t--;
  return t;
}

inline BfloatProduct bfloatProductOf(const GemmParams& p, int64_t nr, int64_t kr) {
  return {p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3], p.m, p.n, p.k, nr, kr};
}
inline BfloatProduct bfloatProductOf(const ConvParams& p, int64_t nr, int64_t kr) {
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2];
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  return {p.group, pixels, p.outChannels / p.group, taps * (p.channels / p.group), nr, kr};
}

}  // namespace dsnk
