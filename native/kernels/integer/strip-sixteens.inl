// A tile of strip.inl with the inner loop of sixteens-neon.inl: sums lie along k until the last row of taps.

template <bool paired>
DSNK_INLINE void addStrip(int32x4_t (&sums)[kMr][4], const StripTile& g) {
  const uint8_t* line = g.x;
  const float* b = g.b + kPanelHead;
  for (int64_t row = 0; row < g.rows; row++, line += g.line, b += g.words * kNr) {
    const float* window[kMr];
    DSNK_UNROLL for (int r = 0; r < kMr; r++) window[r] = reinterpret_cast<const float*>(line + r * g.pixel);
    addSixteens<paired, kMr, 1>(sums, window, b, 0, g.words);
  }
}

template <int NV>
__attribute__((noinline)) static void stripTile(const StripTile& g, const IntegerEnding& e) {
  static_assert(NV == 1 && kNr == 4, "panels of four columns");
  Tile<kMr, NV> t;
  e.template fetch<kMr, NV>();
  e.begin(t, g.columns);
  int32x4_t sums[kMr][4];
  DSNK_UNROLL for (int r = 0; r < kMr; r++) { DSNK_UNROLL for (int c = 0; c < 4; c++) sums[r][c] = vdupq_n_s32(0); }
  if (isPaired(g.b)) {
    addStrip<true>(sums, g);
  } else {
    addStrip<false>(sums, g);
  }
  addSums(t.v, sums);
  e.finish(t, g.columns);
}
