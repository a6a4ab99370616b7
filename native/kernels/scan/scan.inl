// Included by scan_f32_<isa>.cc inside that ISA's region, after sweep.inl.

// A running sum with the rounding of every addition kept beside it.
struct RunningSum {
  F32 total, lost;
  static inline __attribute__((always_inline)) RunningSum start() { return {F32::zero(), F32::zero()}; }
  inline __attribute__((always_inline)) void take(F32 x) {
    const F32 t = total + x;
    const F32 b = t - total;
    lost = lost + ((total - (t - b)) + (x - b));
    total = t;
  }
  // after an infinity the correction is NaN and means nothing
  inline __attribute__((always_inline)) F32 value() const { return select(isNan(lost), total, total + lost); }
};
struct RunningProduct {
  F32 total;
  static inline __attribute__((always_inline)) RunningProduct start() { return {F32::set(1.0f)}; }
  inline __attribute__((always_inline)) void take(F32 x) { total = total * x; }
  inline __attribute__((always_inline)) F32 value() const { return total; }
};

// One vector of columns; a row (inner 1) is a vector of one lane in use.
template <class R>
static void scanColumns(const ScanParams& p, const float* x, float* y, int lanes) {
  R running = R::start();
  for (int64_t i = 0; i < p.n; i++) {
    const int64_t at = (p.reverse ? p.n - 1 - i : i) * p.inner;
    const F32 e = loadSome(x + at, lanes);  // before the store: y may be x
    if (p.exclusive) storeSome(running.value(), y + at, lanes);
    running.take(e);
    if (!p.exclusive) storeSome(running.value(), y + at, lanes);
  }
}

static Fault scan(const Work& w) {
  const auto& p = w.as<ScanParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const int64_t at = o * p.n * p.inner + c;
    eachVector(width, [&](int64_t i, int lanes) {
      const float* x = w.at<float>(1) + at + i;
      float* y = w.at<float>(0) + at + i;
      if (static_cast<ScanKind>(p.kind) == ScanKind::sum)
        scanColumns<RunningSum>(p, x, y, lanes);
      else
        scanColumns<RunningProduct>(p, x, y, lanes);
    });
  });
  return Fault::none;
}
