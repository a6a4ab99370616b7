// The product of one block in vector registers: the tiles of micro.inl over words of narrow numbers. A word is as large
// as a float and b has the same panels, so everything there holds with k counted in words; only what `accumulate` does
// differs, and the overloads next to the element types are better matches than its template. Sums that are integers
// travel as the bits of floats.

template <int MR, int NV, class Ending>
__attribute__((noinline)) static void narrowTile(const NarrowBlock& g, const Ending& e) {
  Tile<MR, NV> t;
  if (g.last) e.template fetch<MR, NV>();
  if (g.first) {
    e.begin(t, g.columns);
  } else {
    t.load(g.partial, g.partialRow, g.columns);
  }
  multiplyAdd(t, StridedRows{g.a, g.stride}, g.b, g.panelStride, g.k);
  if (g.last) {
    e.finish(t, g.columns);
  } else {
    t.store(g.partial, g.partialRow, g.columns);
  }
}

// By height up to `most`.
template <int NV, int most, class Ending>
struct NarrowTilesOf {
  using Run = void (*)(const NarrowBlock&, const Ending&);
  template <int MR>
  static constexpr Run of = MR > most ? nullptr : narrowTile<(MR < most ? MR : most), NV, Ending>;
  static constexpr Run row[15] = {nullptr, of<1>, of<2>,  of<3>,  of<4>,  of<5>,  of<6>, of<7>,
                                  of<8>,   of<9>, of<10>, of<11>, of<12>, of<13>, of<14>};
};

// Tiles wider than a panel, for few rows: VDPBF16PS takes six cycles, VPDPBUSD four or five, which as many chains hide.
constexpr int kNarrowWide4Rows = F32::lanes == 16 ? 6 : 2, kNarrowWide8Rows = F32::lanes == 16 ? 3 : 1;
// On ARM two and three or four whole panels, for as many rows as make no more sums than a tile of one panel has; 4x24
// would have as many as 8x12, but more vectors of b at a time than there are registers.
constexpr bool kWidensByPanels = F32::lanes == 4;
constexpr int kManyPanels = kPanelVectors == 3 ? 3 : 4, kManyPanelRows = kMr / kManyPanels;
constexpr int kTwoPanelRows = kPanelVectors == 3 ? 2 : kMr / 2;

template <class Ending>
DSNK_INLINE auto narrowTileOf(int rows, int vectors) {
  if constexpr (kWidensByPanels) {
    if constexpr (kManyPanelRows > 0) {
      constexpr int wide = kManyPanels * kPanelVectors;
      if (vectors == wide) return NarrowTilesOf<wide, kManyPanelRows, Ending>::row[rows];
    }
    if (vectors == 2 * kPanelVectors) return NarrowTilesOf<2 * kPanelVectors, kTwoPanelRows, Ending>::row[rows];
    if constexpr (kPanelVectors > 2) {
      if (vectors == 3) return NarrowTilesOf<3, kMr, Ending>::row[rows];
    }
    if constexpr (kPanelVectors > 1) {
      if (vectors == 2) return NarrowTilesOf<2, kMr, Ending>::row[rows];
    }
    return NarrowTilesOf<1, kMr, Ending>::row[rows];
  } else if constexpr (kPanelVectors == 4) {
    switch (vectors) {
      case 1: return NarrowTilesOf<1, kMr, Ending>::row[rows];
      case 2: return NarrowTilesOf<2, kMr, Ending>::row[rows];
      case 3: return NarrowTilesOf<3, kMr, Ending>::row[rows];
      default: return NarrowTilesOf<4, kMr, Ending>::row[rows];
    }
  } else {
    switch (vectors) {
      case 1: return NarrowTilesOf<1, kMr, Ending>::row[rows];
      case 2: return NarrowTilesOf<2, kMr, Ending>::row[rows];
      case 4: return NarrowTilesOf<4, kNarrowWide4Rows, Ending>::row[rows];
      default: return NarrowTilesOf<8, kNarrowWide8Rows, Ending>::row[rows];
    }
  }
}

DSNK_INLINE int narrowTileVectors(int64_t rows, int64_t columns) {
  const int64_t vectors = ceilDiv(columns, F32::lanes);
  if constexpr (kWidensByPanels) {
    if (rows <= kManyPanelRows && vectors >= kManyPanels * kPanelVectors) return kManyPanels * kPanelVectors;
    if (rows <= kTwoPanelRows && vectors >= 2 * kPanelVectors) return 2 * kPanelVectors;
    return static_cast<int>(vectors < kPanelVectors ? vectors : kPanelVectors);
  }
  if (kPanelVectors == 2 && rows <= kNarrowWide8Rows && vectors >= 8) return 8;
  if (kPanelVectors == 2 && rows <= kNarrowWide4Rows && vectors >= 4) return 4;
  return static_cast<int>(vectors < kPanelVectors ? vectors : kPanelVectors);
}

struct RegisterProduct {
  // Rows are cut evenly (49 = 13+12+12+12): a short tile has too few chains.
  template <class Ending>
  void multiply(const NarrowBlock& whole, const Ending& e) {
    const int64_t tall = ceilDiv(whole.rows, kMr), least = whole.rows / tall, taller = whole.rows % tall;
    NarrowBlock g = whole;
    for (int64_t n = 0; n < whole.columns;) {
      const int vectors = narrowTileVectors(least + (taller > 0), whole.columns - n);
      const int64_t wide = static_cast<int64_t>(vectors) * F32::lanes;
      g.b = whole.b + n / kNr * whole.panelStride;
      g.columns = whole.columns - n < wide ? whole.columns - n : wide;
      int64_t row = 0;
      for (int64_t i = 0; i < tall; i++) {
        const int height = static_cast<int>(least + (i < taller));
        g.a = whole.a + row * whole.stride;
        if (!(g.first && g.last)) g.partial = whole.partial + row * whole.partialRow + n;
        narrowTileOf<Ending>(height, vectors)(g, e.at(row, n));
        row += height;
      }
      n += wide;
    }
  }
};
