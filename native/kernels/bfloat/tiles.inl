// The product of one block in 16x16 tiles: two by two tiles of sums, two of a and two of b, the eight that there are.
// Written once over the operations on tiles: AmxTiles (amx.h) are the processor's, EmulatedTiles (emulated.h) plain
// C++, so that packing, tails and loops are tested on machines without AMX.
//
// Tiling    32 rows × 32 columns: four loads of 1 KB for four products of 16 cycles, 64 bytes a cycle. A block of b
//           (512 of k: 32 KB) stays in L1 while all rows pass over it, a comes from L2. Derived, not measured: the
//           machine that this was written on has no AMX

// One tile's worth of sums → y through the epilogue.
template <int MR, int NV>
static void finishSums(const float* sums, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  Tile<MR, NV> t;
  t.load(sums, kTileBlock, columns);
  finish(t, y, ldc, columns, e);
}

template <int MR>
static void finishSums(int vectors, const float* sums, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  switch (vectors) {
    case 1: return finishSums<MR, 1>(sums, y, ldc, columns, e);
    case 2: return finishSums<MR, 2>(sums, y, ldc, columns, e);
    case 3: return finishSums < MR, kPanelVectors<3 ? kPanelVectors : 3>(sums, y, ldc, columns, e);
    default: return finishSums<MR, kPanelVectors>(sums, y, ldc, columns, e);
  }
}

template <class Tiles>
class TileProduct {
 public:
  void multiply(const BfloatBlock& g, const Epilogue& e) {
    for (int64_t n = 0; n < g.columns; n += kTileBlock) {
      const int64_t columns = g.columns - n < kTileBlock ? g.columns - n : kTileBlock;
      for (int64_t m = 0; m < g.rows; m += kTileBlock) {
        const int64_t rows = g.rows - m < kTileBlock ? g.rows - m : kTileBlock;
        float* y = g.y + m * g.ldc + n;
        if (!g.first) copyRows(y, g.ldc, g.sums, kTileBlock, rows, columns);
        const uint16_t* a = g.a + m * g.stride;
        const uint16_t* b = g.b + n / kTileBlock * g.panelStride;
        if (rows > 16) {
          columns > 16 ? sum<2, 2>(g, a, b) : sum<2, 1>(g, a, b);
        } else {
          columns > 16 ? sum<1, 2>(g, a, b) : sum<1, 1>(g, a, b);
        }
        if (g.last) {
          finish(g.sums, y, g.ldc, rows, columns, epilogueAt(e, m, n));
        } else {
          copyRows(g.sums, kTileBlock, y, g.ldc, rows, columns);
        }
      }
    }
  }

 private:
  // Tiles 0 … 3 are sums [row][column], 4 and 5 rows of a, 6 and 7 columns of b.
  template <int R, int C>
  void sum(const BfloatBlock& g, const uint16_t* a, const uint16_t* b) {
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
    const int64_t stride = g.stride * 2, depth = g.k;
    const uint16_t* below = a + 16 * g.stride;
    for (int64_t k = 0; k < depth; k += 32, a += 32, below += 32, b += 32 * kTileBlock) {
      tiles_.template load<6>(b, row);
      tiles_.template load<4>(a, stride);
      tiles_.template multiplyAdd<0, 4, 6>();
      if constexpr (C > 1) {
        tiles_.template load<7>(b + 32, row);
        tiles_.template multiplyAdd<1, 4, 7>();
      }
      if constexpr (R > 1) {
        tiles_.template load<5>(below, stride);
        tiles_.template multiplyAdd<2, 5, 6>();
        if constexpr (C > 1) tiles_.template multiplyAdd<3, 5, 7>();
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

  static void finish(const float* sums, float* y, int64_t ldc, int64_t rows, int64_t columns, const Epilogue& e) {
    for (int64_t n = 0; n < columns; n += kNr) {
      const int64_t wide = columns - n < kNr ? columns - n : kNr;
      const int vectors = static_cast<int>(ceilDiv(wide, F32::lanes));
      int64_t m = 0;
      for (; m + 4 <= rows; m += 4) {
        finishSums<4>(vectors, sums + m * kTileBlock + n, y + m * ldc + n, ldc, wide, epilogueAt(e, m, n));
      }
      for (; m < rows; m++) {
        finishSums<1>(vectors, sums + m * kTileBlock + n, y + m * ldc + n, ldc, wide, epilogueAt(e, m, n));
      }
    }
  }

  Tiles tiles_;
};
