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

// Rows in order, `width` columns side by side. Each element is loaded before its place is stored: y may be x.
template <class R>
static void scanColumns(const ScanParams& p, const float* x, float* y, int width) {
  R running[kScanStrip / F32::lanes];
  for (int v = 0; v * F32::lanes < width; v++) running[v] = R::start();
  for (int64_t i = 0; i < p.n; i++) {
    const int64_t at = (p.reverse ? p.n - 1 - i : i) * p.inner;
    eachVector(width, [&](int64_t c, int lanes) {
      R& r = running[c / F32::lanes];
      const F32 e = loadSome(x + at + c, lanes);
      const F32 before = r.value();
      r.take(e);
      storeSome(p.exclusive ? before : r.value(), y + at + c, lanes);
    });
  }
}

// The same for one contiguous row, where there is nothing to be done side by side.
static void sumRow(const ScanParams& p, const float* x, float* y) {
  float total = 0, lost = 0;
  for (int64_t i = 0; i < p.n; i++) {
    const int64_t at = p.reverse ? p.n - 1 - i : i;
    const float e = x[at], before = lost != lost ? total : total + lost;
    const float t = total + e, b = t - total;
    lost = lost + ((total - (t - b)) + (e - b));
    total = t;
    y[at] = p.exclusive ? before : (lost != lost ? total : total + lost);
  }
}
static void productRow(const ScanParams& p, const float* x, float* y) {
  float total = 1;
  for (int64_t i = 0; i < p.n; i++) {
    const int64_t at = p.reverse ? p.n - 1 - i : i;
    const float before = total;
    total = total * x[at];
    y[at] = p.exclusive ? before : total;
  }
}

static Fault scan(const Work& w) {
  const auto& p = w.as<ScanParams>();
  const bool sum = static_cast<ScanKind>(p.kind) == ScanKind::sum;
  AxisTiles(p.outer, p.n, p.inner, kScanStrip).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const int64_t at = o * p.n * p.inner + c;
    const float* x = w.at<float>(1) + at;
    float* y = w.at<float>(0) + at;
    if (p.inner == 1)
      sum ? sumRow(p, x, y) : productRow(p, x, y);
    else if (sum)
      scanColumns<RunningSum>(p, x, y, width);
    else
      scanColumns<RunningProduct>(p, x, y, width);
  });
  return Fault::none;
}
