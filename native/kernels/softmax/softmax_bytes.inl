// Computes  y[o,i,c] = sat(rne(float(t[m - x]) · (ratio / float(Σ t[m - x]))) + zero), m the largest x along i, t[d] the
//           integer next to 2^23·e^-(scale·d)
// Shapes    y, x: [outer, n, inner] unsigned bytes, along n; y may be x; t: 256 integers
// Numerics  numbers of t are floats, their sum is exact, then one quotient, one product and one rounding in float32: every
//           row gives the same bits. Of a number to be rounded at most 2^-24·(n + 4)·ratio is error
// Tiling    rows: one sweep for m, one for the sum, and one for y. As y depends on x alone within a row, long rows round
//           the 256 results there can be and look them up; short ones round element by element. Columns go in strips of 64
// Packing   none
// Source    none
//
// Needs lookUp (table/look-<isa>.inl) and Curve (exponentials*.inl): `at`, and the sum of what it gives for a row.

constexpr int kPeakBytes = 64;
// Elements from which on a table of results is cheaper than results.
constexpr int64_t kTableFrom = F32::lanes == 16 ? 48 : F32::lanes == 8 ? 96 : F32::lanes == 4 ? 128 : 256;

static int largestByte(const uint8_t* x, int64_t n) {
  uint8_t most[kPeakBytes] = {};
  for (; n >= kPeakBytes; n -= kPeakBytes, x += kPeakBytes) {
    for (int j = 0; j < kPeakBytes; j++) most[j] = x[j] > most[j] ? x[j] : most[j];
  }
  for (int64_t j = 0; j < n; j++) most[j] = x[j] > most[j] ? x[j] : most[j];
  uint8_t largest = 0;
  for (int j = 0; j < kPeakBytes; j++) largest = most[j] > largest ? most[j] : largest;
  return largest;
}

DSNK_INLINE void storeResults(const int32_t* numbers, F32 m, F32 zero, uint8_t* y) {
  storeByte(roundEven(toF32(I32::load(numbers)) * m) + zero, y);
}

static void byteSoftmaxRow(const Curve& curve, const ByteSoftmaxParams& p, const uint8_t* x, uint8_t* y, int64_t n) {
  const int first = 255 - largestByte(x, n);
  const int32_t* numbers = curve.at + first;
  const F32 m = F32::set(p.ratio / static_cast<float>(curve.sum(first, x, n)));
  const F32 zero = F32::set(static_cast<float>(p.zero));
  if (n >= kTableFrom) {
    alignas(64) uint8_t results[256 + F32::lanes] = {};
    for (int i = 0; i < 256 - first; i += F32::lanes) storeResults(numbers + i, m, zero, results + i);
    lookUp(x, y, results, n);
    return;
  }
  alignas(64) int32_t near[kTableFrom + F32::lanes];
  alignas(64) uint8_t results[kTableFrom + F32::lanes];
  for (int64_t i = 0; i < n; i++) near[i] = numbers[x[i]];
  for (int64_t i = n; i < n + F32::lanes; i++) near[i] = 0;
  for (int64_t i = 0; i < n; i += F32::lanes) storeResults(near + i, m, zero, results + i);
  std::memcpy(y, results, static_cast<size_t>(n));
}

static void byteSoftmaxStrip(const Curve& curve, const ByteSoftmaxParams& p, const uint8_t* x, uint8_t* y, int width) {
  constexpr int most = 64;
  const int64_t step = p.inner;
  uint8_t peak[most] = {};
  for (int64_t i = 0; i < p.n; i++) {
    const uint8_t* from = x + i * step;
    for (int c = 0; c < width; c++) peak[c] = from[c] > peak[c] ? from[c] : peak[c];
  }
  uint64_t sum[most] = {};
  const int32_t* numbers[most];
  for (int c = 0; c < width; c++) numbers[c] = curve.at + 255 - peak[c];
  for (int64_t i = 0; i < p.n; i++) {
    const uint8_t* from = x + i * step;
    for (int c = 0; c < width; c++) sum[c] += static_cast<uint32_t>(numbers[c][from[c]]);
  }
  float m[most] = {};
  for (int c = 0; c < width; c++) m[c] = p.ratio / static_cast<float>(sum[c]);
  const F32 zero = F32::set(static_cast<float>(p.zero));
  int32_t near[most] = {};
  uint8_t results[most];
  for (int64_t i = 0; i < p.n; i++) {
    const uint8_t* from = x + i * step;
    for (int c = 0; c < width; c++) near[c] = numbers[c][from[c]];
    for (int c = 0; c < width; c += F32::lanes) storeResults(near + c, F32::load(m + c), zero, results + c);
    std::memcpy(y + i * step, results, static_cast<size_t>(width));
  }
}

static Fault byteSoftmax(const Work& w) {
  const auto& p = w.as<ByteSoftmaxParams>();
  const Curve curve(w.at<const int32_t>(2));
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    const uint8_t* x = w.at<const uint8_t>(1) + o * p.n * p.inner + c;
    uint8_t* y = w.at<uint8_t>(0) + o * p.n * p.inner + c;
    if (p.inner == 1)
      byteSoftmaxRow(curve, p, x, y, p.n);
    else
      byteSoftmaxStrip(curve, p, x, y, width);
  });
  return Fault::none;
}
