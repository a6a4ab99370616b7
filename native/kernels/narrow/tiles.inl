// The product of one block in tiles of 16x16 sums: two by two tiles of sums, two of a and two of b, the eight that there are.
// Written once over the operations on tiles: AmxTiles (amx.h) are the processor's, EmulatedTiles (emulated.h) plain
// C++, so that packing, tails and loops are tested on machines without AMX.
//
// Tiling    32 rows × 32 columns: four loads of 1 KB for four products of 16 cycles, 64 bytes a cycle. A block of b
//           (1 KB of k: 32 KB) stays in L1 while all rows pass over it, a comes from L2. Derived, not measured: the
//           machine that this was written on has no AMX

// E::multiplyTiles<c, a, b>(tiles): c += a·b.
template <class E, class Tiles>
class TileProduct {
 public:
  template <class Ending>
  void multiply(const NarrowBlock& g, const Ending& e) {
    for (int64_t n = 0; n < g.columns; n += kTileBlock) {
      const int64_t columns = g.columns - n < kTileBlock ? g.columns - n : kTileBlock;
      for (int64_t m = 0; m < g.rows; m += kTileBlock) {
        const int64_t rows = g.rows - m < kTileBlock ? g.rows - m : kTileBlock;
        if (!g.first) copyRows(g.partial + m * g.partialRow + n, g.partialRow, g.sums, kTileBlock, rows, columns);
        const float* a = g.a + m * g.stride;
        const float* b = g.b + n / kTileBlock * g.panelStride;
        if (rows > 16) {
          columns > 16 ? sum<2, 2>(g, a, b) : sum<2, 1>(g, a, b);
        } else {
          columns > 16 ? sum<1, 2>(g, a, b) : sum<1, 1>(g, a, b);
        }
        if (g.last) {
          e.at(m, n).finishSums(g.sums, rows, columns);
        } else {
          copyRows(g.sums, kTileBlock, g.partial + m * g.partialRow + n, g.partialRow, rows, columns);
        }
      }
    }
  }

 private:
  // Tiles 0 … 3 are sums [row][column], 4 and 5 rows of a, 6 and 7 columns of b.
  template <int R, int C>
  void sum(const NarrowBlock& g, const float* a, const float* b) {
    constexpr int64_t row = kTileBlock * 4;  // bytes
    float* s = g.sums;
    if (g.first) {
      tiles_.template zero<0>();
      if constexpr (C > 1) tiles_.template zero<1>();
      if constexpr (R > 1) tiles_.template zero<2>();
      if constexpr (R > 1 && C > 1) tiles_.template zero<3>();
    } else {
      tiles_.template load<0>(s, row);
      if constexpr (C > 1) tiles_.template load<1>(s + 16, row);
      if constexpr (R > 1) tiles_.template load<2>(s + 16 * kTileBlock, row);
      if constexpr (R > 1 && C > 1) tiles_.template load<3>(s + 16 * kTileBlock + 16, row);
    }
    // In registers: the compiler takes every operation on tiles for one that may change g.
    const int64_t stride = g.stride * 4, depth = g.k;
    const float* below = a + 16 * g.stride;
    for (int64_t k = 0; k < depth; k += 16, a += 16, below += 16, b += 16 * kTileBlock) {
      tiles_.template load<6>(b, row);
      tiles_.template load<4>(a, stride);
      E::template multiplyTiles<0, 4, 6>(tiles_);
      if constexpr (C > 1) {
        tiles_.template load<7>(b + 16, row);
        E::template multiplyTiles<1, 4, 7>(tiles_);
      }
      if constexpr (R > 1) {
        tiles_.template load<5>(below, stride);
        E::template multiplyTiles<2, 5, 6>(tiles_);
        if constexpr (C > 1) E::template multiplyTiles<3, 5, 7>(tiles_);
      }
    }
    tiles_.template store<0>(s, row);
    if constexpr (C > 1) tiles_.template store<1>(s + 16, row);
    if constexpr (R > 1) tiles_.template store<2>(s + 16 * kTileBlock, row);
    if constexpr (R > 1 && C > 1) tiles_.template store<3>(s + 16 * kTileBlock + 16, row);
  }

  static void copyRows(const float* from, int64_t fromRow, float* to, int64_t toRow, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++, from += fromRow, to += toRow) {
      int64_t j = 0;
      for (; j + F32::lanes <= columns; j += F32::lanes) F32::load(from + j).store(to + j);
      for (; j < columns; j++) to[j] = from[j];
    }
  }

  Tiles tiles_;
};
