// How a product is cut into tiles of a GPU's blocks: what plans, kernels and tests share.
#pragma once
#include <cstdint>

namespace dsnk {

// Columns of a packed panel of every product on a GPU.
constexpr int kGpuPanel = 32;

// Tiles of so many rows next to each other pass by all columns before the next ones: their rows and a column of panels
// stay in L2.
constexpr int64_t kGpuTileGroup = 8;

// One tile of a product.
struct GpuTile {
  int64_t split, batch, m, n;
};

// How many tiles there are, and of what k each part of them is. The fields are a launch's first numbers.
struct GpuCut {
  int64_t tilesM, tilesN, batch, splits;
  int64_t splitDepth;  // k of one split, a multiple of the tile's depth

  constexpr int64_t count() const { return tilesM * tilesN * batch * splits; }
  // Tile `i`: groups of rows, in them columns, in these rows.
  constexpr GpuTile tile(int64_t i) const {
    const int64_t plane = tilesM * tilesN, inPlane = i % plane, outer = i / plane;
    const int64_t group = inPlane / (kGpuTileGroup * tilesN), first = group * kGpuTileGroup;
    const int64_t rows = tilesM - first < kGpuTileGroup ? tilesM - first : kGpuTileGroup;
    const int64_t inGroup = inPlane - first * tilesN;
    return {outer / batch, outer % batch, first + inGroup % rows, inGroup / rows};
  }
};

// Cuts a product of m × n with sums over k into tiles of rows × columns × depth, for so many multiprocessors that run
// `resident` blocks each. k is split where tiles would leave most of them idle, never so finely that the partial sums
// cost more than they save: a split has at least kGpuSplitLeast k.
constexpr int64_t kGpuSplitLeast = 128, kGpuSplitMost = 32;
constexpr GpuCut gpuCut(int64_t batch, int64_t m, int64_t n, int64_t k, int64_t rows, int64_t columns, int64_t depth,
                        int64_t multiprocessors, int64_t resident) {
  GpuCut cut{(m + rows - 1) / rows, (n + columns - 1) / columns, batch, 1, depth};
  if (m == 0 || n == 0 || batch == 0) return cut;
  const int64_t steps = (k + depth - 1) / depth, places = multiprocessors * resident, tiles = cut.count();
  int64_t splits = tiles * 2 > places ? 1 : places / tiles;
  if (splits > k / kGpuSplitLeast) splits = k / kGpuSplitLeast;
  if (splits > kGpuSplitMost) splits = kGpuSplitMost;
  if (splits < 1) splits = 1;
  const int64_t each = (steps + splits - 1) / splits;
  cut.splitDepth = (each < 1 ? 1 : each) * depth;
  cut.splits = steps == 0 ? 1 : (steps + each - 1) / each;
  return cut;
}

}  // namespace dsnk
