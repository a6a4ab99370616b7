// A tile of strip.inl where one quad of a pixel multiplies the quads of a vector of columns (quads.inl).

template <int NV>
__attribute__((noinline)) static void stripTile(const StripTile& g, const IntegerEnding& e) {
  Tile<kMr, NV> t;
  e.template fetch<kMr, NV>();
  e.begin(t, g.columns);
  const uint8_t* line = g.x;
  const float* b = g.b;
  auto step = static_cast<intptr_t>(g.pixel);
  for (int64_t row = 0; row < g.rows; row++, line += g.line) {
    // One pointer for three pixels, as in micro.inl.
    const uint8_t* p0 = line;
    const uint8_t* p1 = kMr > 3 ? p0 + 3 * step : p0;
    const uint8_t* p2 = kMr > 6 ? p0 + 6 * step : p0;
    const uint8_t* p3 = kMr > 9 ? p0 + 9 * step : p0;
    const uint8_t* p4 = kMr > 12 ? p0 + 12 * step : p0;
    const auto quad = [&](int r, int u) __attribute__((always_inline)) {
      const uint8_t* p = r < 3 ? p0 : r < 6 ? p1 : r < 9 ? p2 : r < 12 ? p3 : p4;
      float bits;
      std::memcpy(&bits, p + r % 3 * step + 4 * u, 4);
      return bits;
    };
    const auto advance = [&](int u) __attribute__((always_inline)) {
      p0 += 4 * u;
      if (kMr > 3) p1 += 4 * u;
      if (kMr > 6) p2 += 4 * u;
      if (kMr > 9) p3 += 4 * u;
      if (kMr > 12) p4 += 4 * u;
      b += u * kNr;
      opaque(p0);
      if (kMr > 3) opaque(p1);
      if (kMr > 6) opaque(p2);
      if (kMr > 9) opaque(p3);
      if (kMr > 12) opaque(p4);
    };
    int64_t left = g.words;
    for (; left >= 4; left -= 4) {
      DSNK_UNROLL for (int u = 0; u < 4; u++) {
        opaque(step);
        stepK<false>(t, b + u * kNr, 0, [&](int r) __attribute__((always_inline)) { return quad(r, u); });
      }
      advance(4);
    }
    for (; left > 0; left--) {
      stepK<false>(t, b, 0, [&](int r) __attribute__((always_inline)) { return quad(r, 0); });
      advance(1);
    }
  }
  e.finish(t, g.columns);
}
