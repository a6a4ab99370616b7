// A tile of strip.inl with the inner loop of lanes.inl. Windows start wherever their pixel does: AArch64 loads words from any
// address.

template <int NV>
__attribute__((noinline)) static void stripTile(const StripTile& g, const IntegerEnding& e) {
  Tile<kMr, NV> t;
  e.template fetch<kMr, NV>();
  e.begin(t, g.columns);
  const uint8_t* line = g.x;
  const float* b = g.b;
  for (int64_t row = 0; row < g.rows; row++, line += g.line, b += g.words * kNr) {
    const float* window[kMr];
    DSNK_UNROLL for (int r = 0; r < kMr; r++) window[r] = reinterpret_cast<const float*>(line + r * g.pixel);
    multiplyPanels<kNr, kPanelVectors>(t.v, window, b, 0, g.words);
  }
  e.finish(t, g.columns);
}
