// Included by axis_norm_f32_<isa>.cc inside that ISA's region, after math.inl, fold.inl, strip.inl and sweep.inl.

static void lpRow(bool absolute, const float* x, float* y, int64_t n) {
  const double total = absolute ? foldRow(0.0, x, n, AbsFold()) : ::sqrt(foldRow(0.0, x, n, PowerFold()));
  // A division: the inverse of a subnormal norm would be infinite. A norm of 0 has elements of 0.
  const F32 norm = F32::set(total == 0 ? 1.0f : static_cast<float>(total));
  eachVector(n, [&](int64_t i, int lanes) { storeSome(loadSome(x + i, lanes) / norm, y + i, lanes); });
}

static void lpStrip(bool absolute, const float* x, float* y, int64_t n, int64_t inner, int width) {
  constexpr int lanes = F32::lanes;
  Loops rows;
  rows.add(n, inner);
  Strip strip;
  if (absolute)
    sumStrip(rows, x, width, Uniform<AbsFold>(), strip);
  else
    sumStrip(rows, x, width, Uniform<PowerFold>(), strip);
  for (int v = 0; v * lanes < width; v++) {
    const F32 total = strip.total[v] + strip.lost[v];
    const auto zero = equal(total, F32::zero());
    const F32 norm = absolute ? total : sqrt(total);
    const int left = width - v * lanes < lanes ? width - v * lanes : lanes;
    for (int64_t i = 0; i < n; i++) {
      const int64_t at = i * inner + v * lanes;
      storeSome(select(zero, F32::zero(), loadSome(x + at, left) / norm), y + at, left);
    }
  }
}

static Fault lpNorm(const Work& w) {
  const auto& p = w.as<LpNormParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const float* x = w.at<float>(1) + o * p.n * p.inner + c;
    float* y = w.at<float>(0) + o * p.n * p.inner + c;
    if (p.inner == 1)
      lpRow(p.p == 1, x, y, p.n);
    else
      lpStrip(p.p == 1, x, y, p.n, p.inner, width);
  });
  return Fault::none;
}

// base^-beta; the usual 3/4 by two square roots, which is both faster and closer than a logarithm.
DSNK_INLINE F32 lrnPower(F32 base, float beta) {
  if (beta == 0.75f) {
    const F32 root = sqrt(base);
    return F32::set(1.0f) / (root * sqrt(root));
  }
  return exp(F32::set(-beta) * log(base));
}

// The window is summed anew for every channel: a running sum would carry its rounding along.
static Fault lrn(const Work& w) {
  const auto& p = w.as<LrnParams>();
  const F32 alpha = F32::set(p.alpha / static_cast<float>(p.size)), bias = F32::set(p.bias);
  const int64_t before = (p.size - 1) / 2, after = p.size - 1 - before;
  AxisTiles(p.outer, p.channels, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t column, int width) {
    const float* x = w.at<float>(1) + o * p.channels * p.inner + column;
    float* y = w.at<float>(0) + o * p.channels * p.inner + column;
    for (int64_t c = 0; c < p.channels; c++) {
      const int64_t first = c - before > 0 ? c - before : 0;
      const int64_t last = c + after < p.channels - 1 ? c + after : p.channels - 1;
      eachVector(width, [&](int64_t i, int lanes) {
        F32 square = F32::zero();
        for (int64_t k = first; k <= last; k++) {
          const F32 v = loadSome(x + k * p.inner + i, lanes);
          square = fma(v, v, square);
        }
        const F32 base = fma(alpha, square, bias);
        storeSome(loadSome(x + c * p.inner + i, lanes) * lrnPower(base, p.beta), y + c * p.inner + i, lanes);
      });
    }
  });
  return Fault::none;
}
