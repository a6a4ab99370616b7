// Included by softmax_f32_<isa>.cc inside that ISA's region, after math.inl, fold.inl, strip.inl and sweep.inl.

static void softmaxRow(SoftmaxKind kind, const float* x, float* y, int64_t n) {
  const auto peak = static_cast<float>(foldRow(MaxFold::start, x, n, MaxFold()));
  const F32 top = F32::set(peak);
  if (kind == SoftmaxKind::hardmax) {
    int64_t first = 0;
    while (first < n - 1 && !(x[first] == peak || x[first] != x[first])) first++;
    eachVector(n, [&](int64_t i, int lanes) { storeSome(F32::zero(), y + i, lanes); });
    y[first] = 1.0f;
    return;
  }
  double total = 0;
  if (kind == SoftmaxKind::logSoftmax) {
    // y may be x: the exponentials go through a block on the stack
    alignas(64) float e[kFoldBlock];
    for (int64_t b = 0; b < n; b += kFoldBlock) {
      const int64_t part = n - b < kFoldBlock ? n - b : kFoldBlock;
      eachVector(part, [&](int64_t i, int lanes) { storeSome(exp(loadSome(x + b + i, lanes) - top), e + i, lanes); });
      total = foldRow(total, e, part, SumFold());
    }
    const F32 shift = F32::set(static_cast<float>(::log(total)));
    eachVector(n, [&](int64_t i, int lanes) { storeSome((loadSome(x + i, lanes) - top) - shift, y + i, lanes); });
    return;
  }
  for (int64_t b = 0; b < n; b += kFoldBlock) {
    const int64_t part = n - b < kFoldBlock ? n - b : kFoldBlock;
    eachVector(part, [&](int64_t i, int lanes) { storeSome(exp(loadSome(x + b + i, lanes) - top), y + b + i, lanes); });
    total = foldRow(total, y + b, part, SumFold());  // from L1
  }
  const F32 scale = F32::set(static_cast<float>(1 / total));
  eachVector(n, [&](int64_t i, int lanes) { storeSome(loadSome(y + i, lanes) * scale, y + i, lanes); });
}

// Σ e^(x-shift), a shift per column.
struct SoftmaxColumns : SumFold {
  const F32* shift;
  explicit SoftmaxColumns(const F32* s) : shift(s) {}
  FOLD_INLINE F32 mapAt(F32 x, int v) const { return exp(x - shift[v]); }
};

static void softmaxStrip(SoftmaxKind kind, const float* x, float* y, int64_t n, int64_t inner, int width) {
  constexpr int lanes = F32::lanes;
  Loops rows;
  rows.add(n, inner);
  Strip strip;
  F32 peak[kFoldVecs];
  plainStrip(rows, x, width, Uniform<MaxFold>(), strip);
  const int vecs = (width + lanes - 1) / lanes;
  for (int v = 0; v < vecs; v++) peak[v] = strip.total[v];
  const auto left = [&](int v) { return width - v * lanes < lanes ? width - v * lanes : lanes; };
  if (kind == SoftmaxKind::hardmax) {
    F32 open[kFoldVecs];  // 1 until a column has its maximum
    for (int v = 0; v < vecs; v++) open[v] = F32::set(1.0f);
    for (int64_t i = 0; i < n; i++) {
      for (int v = 0; v < vecs; v++) {
        const F32 e = loadSome(x + i * inner + v * lanes, left(v));
        const F32 hit = select(equal(e, peak[v]) | isNan(e), open[v], F32::zero());
        open[v] = open[v] - hit;
        storeSome(hit, y + i * inner + v * lanes, left(v));
      }
    }
    return;
  }
  if (kind == SoftmaxKind::softmax) {
    for (int64_t i = 0; i < n; i++) {
      for (int v = 0; v < vecs; v++) {
        const int64_t at = i * inner + v * lanes;
        storeSome(exp(loadSome(x + at, left(v)) - peak[v]), y + at, left(v));
      }
    }
    sumStrip(rows, y, width, Uniform<SumFold>(), strip);
  } else {
    sumStrip(rows, x, width, SoftmaxColumns(peak), strip);
  }
  F32 last[kFoldVecs];
  for (int v = 0; v < vecs; v++) {
    const F32 total = strip.total[v] + strip.lost[v];
    last[v] = kind == SoftmaxKind::softmax ? F32::set(1.0f) / total : log(total);
  }
  for (int64_t i = 0; i < n; i++) {
    for (int v = 0; v < vecs; v++) {
      const int64_t at = i * inner + v * lanes;
      const F32 r = kind == SoftmaxKind::softmax ? loadSome(y + at, left(v)) * last[v]
                                                 : (loadSome(x + at, left(v)) - peak[v]) - last[v];
      storeSome(r, y + at, left(v));
    }
  }
}

static Fault softmax(const Work& w) {
  const auto& p = w.as<SoftmaxParams>();
  const auto kind = static_cast<SoftmaxKind>(p.kind);
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const float* x = w.at<float>(1) + o * p.n * p.inner + c;
    float* y = w.at<float>(0) + o * p.n * p.inner + c;
    if (p.inner == 1)
      softmaxRow(kind, x, y, p.n);
    else
      softmaxStrip(kind, x, y, p.n, p.inner, width);
  });
  return Fault::none;
}
