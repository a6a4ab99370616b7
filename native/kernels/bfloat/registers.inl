// The product of one block in vector registers: the tiles of micro.inl over words that are pairs of bfloats. A pair is
// as large as a float and b has the same panels, so everything there holds with k counted in pairs; only what
// `accumulate` does differs, and the overloads of pairs-*.inl are better matches than its template.

// The lines of y and of the residual that the tile will end with: they come while it multiplies.
template <int MR, int NV>
DSNK_INLINE void fetchAhead(const BfloatBlock& g, const Epilogue& e) {
  if constexpr (F32::lanes > 1) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        __builtin_prefetch(g.y + r * g.ldc + j * F32::lanes, 1);
        if (e.residual != nullptr) __builtin_prefetch(e.residual + r * e.residualRow + j * F32::lanes);
      }
    }
  }
}

template <int MR, int NV>
__attribute__((noinline)) static void bfloatTile(const BfloatBlock& g, const Epilogue& e) {
  Tile<MR, NV> t;
  if (g.last) fetchAhead<MR, NV>(g, e);
  if (g.first) {
    t.clear();
  } else {
    t.load(g.y, g.ldc, g.columns);
  }
  multiplyAdd(t, StridedRows{reinterpret_cast<const float*>(g.a), g.stride / 2}, reinterpret_cast<const float*>(g.b),
              g.panelStride / 2, g.k / 2);
  if (g.last) {
    finish(t, g.y, g.ldc, g.columns, e);
  } else {
    t.store(g.y, g.ldc, g.columns);
  }
}

using BfloatTile = void (*)(const BfloatBlock&, const Epilogue&);

// By height; heights above `most` repeat it and are never asked for.
template <int NV, int most>
struct BfloatTilesOf {
  template <int MR>
  static constexpr BfloatTile of = bfloatTile<(MR < most ? MR : most), NV>;
  static constexpr BfloatTile row[15] = {nullptr, of<1>, of<2>,  of<3>,  of<4>,  of<5>,  of<6>, of<7>,
                                         of<8>,   of<9>, of<10>, of<11>, of<12>, of<13>, of<14>};
};

// Tiles wider than a panel, for few rows: VDPBF16PS takes six cycles, which as many chains hide.
constexpr int kBfloatWide4Rows = 6, kBfloatWide8Rows = 3;

DSNK_INLINE BfloatTile bfloatTileOf(int rows, int vectors) {
  if constexpr (kPanelVectors == 4) {
    switch (vectors) {
      case 1: return BfloatTilesOf<1, kMr>::row[rows];
      case 2: return BfloatTilesOf<2, kMr>::row[rows];
      case 3: return BfloatTilesOf<3, kMr>::row[rows];
      default: return BfloatTilesOf<4, kMr>::row[rows];
    }
  } else {
    switch (vectors) {
      case 1: return BfloatTilesOf<1, kMr>::row[rows];
      case 2: return BfloatTilesOf<2, kMr>::row[rows];
      case 4: return BfloatTilesOf<4, kBfloatWide4Rows>::row[rows];
      default: return BfloatTilesOf<8, kBfloatWide8Rows>::row[rows];
    }
  }
}

DSNK_INLINE int bfloatTileVectors(int64_t rows, int64_t columns) {
  const int64_t vectors = ceilDiv(columns, F32::lanes);
  if (kPanelVectors == 2 && rows <= kBfloatWide8Rows && vectors >= 8) return 8;
  if (kPanelVectors == 2 && rows <= kBfloatWide4Rows && vectors >= 4) return 4;
  return static_cast<int>(vectors < kPanelVectors ? vectors : kPanelVectors);
}

struct RegisterProduct {
  void multiply(const BfloatBlock& whole, const Epilogue& e);
};

// Rows are cut evenly (49 = 13+12+12+12): a short tile has too few chains.
void RegisterProduct::multiply(const BfloatBlock& whole, const Epilogue& e) {
  const int64_t tall = ceilDiv(whole.rows, kMr), least = whole.rows / tall, taller = whole.rows % tall;
  BfloatBlock g = whole;
  for (int64_t n = 0; n < whole.columns;) {
    const int vectors = bfloatTileVectors(least + (taller > 0), whole.columns - n);
    const int64_t wide = static_cast<int64_t>(vectors) * F32::lanes;
    g.b = whole.b + n / kNr * whole.panelStride;
    g.columns = whole.columns - n < wide ? whole.columns - n : wide;
    int64_t row = 0;
    for (int64_t i = 0; i < tall; i++) {
      const int height = static_cast<int>(least + (i < taller));
      g.a = whole.a + row * whole.stride;
      g.y = whole.y + row * whole.ldc + n;
      bfloatTileOf(height, vectors)(g, epilogueAt(e, row, n));
      row += height;
    }
    n += wide;
  }
}
