// How a product in narrow numbers is cut: what matrix products and convolutions share, whatever they are made of and
// whatever row computes them. Narrow are bfloats (bfloat/), halves (half/) and bytes (integer/).
//
// Both are  y[i] += a[i]·b  with the rows of a made on the way: converted (and for a convolution gathered) into scratch
// as [row][k] narrow numbers, zeros up to kPadded, or read where they are; b was packed when the program was loaded.
#pragma once
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// Rows of a unit of m where registers hold the tile: the height of AVX-512's. The cut does not change results.
constexpr int64_t kNarrowUnitRows = 14;
// Bytes of k of a block of b: 2 KB·32 columns = 64 KB, read from L2 at 5 bytes a cycle behind the products. Partial
// sums pass through y; the columns of y that do so together are bounded, so that they stay in L2.
constexpr int64_t kNarrowKcBytes = 2048, kNarrowNc = 256;
// The same for tiles of AMX, which multiply so fast that the block must lie in L1: 32 KB.
constexpr int64_t kTileKcBytes = 1024;
// Bytes of converted rows: half of a 1 MB L2.
constexpr int64_t kNarrowRowBytes = 512 * 1024;
// Rows and columns of the sums that tiles of AMX leave in scratch.
constexpr int64_t kTileBlock = 32;
// Bytes of k that one tile of AMX takes.
constexpr int64_t kTileDepth = 64;

// A batch of products: of matrices, or of the groups of a convolution over its pixels.
struct NarrowProduct {
  int64_t batch, m, n, k;
  int64_t nr, kr;
  int64_t bytes;         // of one narrow number
  bool sumsFitY = true;  // partial sums are as large as elements of y and stand there; else in scratch, if anywhere
  bool inPlace = false;  // rows of a are read where they are
  int64_t head = 0;      // numbers in front of each panel
  int64_t unit = kNarrowUnitRows, cacheBytes = kNarrowRowBytes;

  // Computed by tiles of 16 rows of 64 bytes: 32 rows at a time, sums through scratch.
  bool tiles() const { return kr * bytes == kTileDepth; }
  int64_t perWord() const { return 4 / bytes; }
  // Without room for partial sums registers keep theirs over the whole of k: the panel then comes from wherever it fits.
  int64_t kc() const { return tiles() ? kTileKcBytes / bytes : sumsFitY ? kNarrowKcBytes / bytes : kMaxDim; }
  int64_t unitRows() const { return tiles() ? kTileBlock : unit; }
  int64_t kPadded() const { return roundUp(k, kr); }
  int64_t panelStride() const { return k == 0 ? 0 : head + kPadded() * nr; }  // numbers
  int64_t packedNumbers() const { return ceilDiv(n, nr) * panelStride(); }
  // Numbers from row to row in scratch: an odd count of cache lines, so that the rows of a tile spread over all sets.
  int64_t rowStride() const {
    const int64_t line = 64 / bytes;
    return roundUp(kPadded(), line) | line;
  }
  // Rows that are converted at a time.
  int64_t rowsAtOnce() const {
    const int64_t step = unitRows(), most = 256 / step * step, least = 2 * step;
    int64_t rows = cacheBytes / bytes / rowStride() / step * step;
    rows = rows < least ? least : rows > most ? most : rows;
    const int64_t all = tiles() ? roundUp(m, step) : m;
    return rows < all ? rows : all;
  }
  // Parts of scratch, in this order.
  int64_t rowBytes() const { return inPlace ? 0 : rowsAtOnce() * rowStride() * bytes; }
  int64_t sumBytes() const { return tiles() ? kTileBlock * kTileBlock * 4 : 0; }
  int64_t partialBytes() const { return sumsFitY || kPadded() <= kc() ? 0 : rowsAtOnce() * kNarrowNc * 4; }
  uint64_t scratchBytes() const {
    if (batch == 0 || m == 0 || n == 0) return 0;
    return static_cast<uint64_t>(rowBytes() + sumBytes() + partialBytes());
  }
};

struct NarrowGrid {
  int64_t batch, m, n;
};

// The grid of exactly `tiles` tiles that takes least: batch = 0 where that many cannot be made. A tile converts its
// rows itself, at a sixth of the cost of multiplying them by one panel, and reads its panels.
inline NarrowGrid narrowGrid(const NarrowProduct& p, int64_t tiles) {
  const int64_t mUnits = ceilDiv(p.m, p.unitRows()), nUnits = ceilDiv(p.n, p.nr);
  NarrowGrid best{0, 1, 1};
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

inline uint32_t narrowTiles(const NarrowProduct& p, uint32_t threads) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return 0;
  int64_t units = 0;
  if (__builtin_mul_overflow(ceilDiv(p.m, p.unitRows()) * ceilDiv(p.n, p.nr), p.batch, &units)) units = INT64_MAX;
  const int64_t rows = p.m < p.unitRows() ? p.m : p.unitRows();
  uint32_t t = tilesFor(units, rows * (p.k + 16), threads);
  while (narrowGrid(p, t).batch == 0) t--;
  return t;
}

}  // namespace dsnk
