// Computes  y[o,i] = sat(rne(float(t[m - x]) · (ratio / float(Σ t[m - x]))) + zero), m the largest x of a row, t[d] the
//           integer next to 2^23·e^-(scale·d)
// Shapes    y, x: [rows, n] unsigned bytes; y may be x; t: 256 integers
// Numerics  numbers of t are floats, their sum is exact, then one quotient, one product and one rounding in float32: every
//           row gives the same bits. Of a number to be rounded at most 2^-24·(n + 4)·ratio is error
// Tiling    one sweep for m, one for the sum, and one for y. As y depends on x alone within a row, long rows round the 256
//           results there can be and look them up; short ones round element by element. Measured on one Zen 4 core as
//           nodes of a model, µs best, beside it DequantizeLinear, softmax in floats, QuantizeLinear: 2364x197 160 (540),
//           64x1000 9.7 (45), 4096x16 91 (192); on the AVX2 row 462 (561), 48 (60), 91 (179), where the sum takes most: two
//           loads an element, in a loop that is not unrolled (unrolled 312, for three times the code). Left out: columns, a
//           table for each of which took 1.3 to 1.7 times as long as floats
// Packing   none
// Source    none
//
// Needs lookUp (table/look-<isa>.inl) and Curve (exponentials*.inl): `at`, and the sum of what it gives for a row.

// Elements from which on a table of results is cheaper than results.
constexpr int64_t kTableFrom = F32::lanes == 16 ? 80 : F32::lanes == 8 ? 96 : F32::lanes == 4 ? 128 : 256;

// Left to Clang 19 these loops are unrolled and vectorized to four times the code, and no faster.
#if defined(__clang__)
#define DSNK_ROLLED _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define DSNK_ROLLED _Pragma("GCC unroll 1")
#endif

static int largestByte(const uint8_t* x, int64_t n) {
  typedef uint8_t Sixteen __attribute__((vector_size(16)));
  uint8_t largest = 0;
  if (n < 16) {
    DSNK_ROLLED for (int64_t i = 0; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
  }
  Sixteen most = {};
  const auto take = [&](const uint8_t* from) __attribute__((always_inline)) {
    Sixteen v;
    std::memcpy(&v, from, sizeof v);
    most = v > most ? v : most;
  };
  DSNK_ROLLED for (int64_t i = 0; i + 16 <= n; i += 16) take(x + i);
  take(x + n - 16);
  for (int j = 0; j < 16; j++) largest = most[j] > largest ? most[j] : largest;
  return largest;
}

DSNK_INLINE void storeResults(const int32_t* numbers, F32 m, F32 zero, uint8_t* y) {
  storeByte(roundEven(toF32(I32::load(numbers)) * m) + zero, y);
}

// What one tile of rows is written with.
struct ByteSoftmax {
  const Curve curve;
  const float ratio;
  const F32 zero;
  alignas(64) int32_t near[kTableFrom + F32::lanes] = {};
  alignas(64) uint8_t results[256 + F32::lanes] = {};

  ByteSoftmax(const ByteSoftmaxParams& p, const int32_t* t)
      : curve(t), ratio(p.ratio), zero(F32::set(static_cast<float>(p.zero))) {}

  inline __attribute__((always_inline)) void longRow(const uint8_t* x, uint8_t* y, int64_t n) {
    const int first = 255 - largestByte(x, n);
    const F32 m = F32::set(ratio / static_cast<float>(curve.sum(first, x, n)));
    const int32_t* numbers = curve.at + first;
    DSNK_ROLLED for (int i = 0; i < 256 - first; i += F32::lanes) storeResults(numbers + i, m, zero, results + i);
    lookUp(x, y, results, n);
  }

  inline __attribute__((always_inline)) void shortRow(const uint8_t* x, uint8_t* y, int64_t n) {
    const int32_t* numbers = curve.at + 255 - largestByte(x, n);
    uint32_t sum = 0;  // less than 2^8 of at most 2^23
    DSNK_ROLLED for (int64_t i = 0; i < n; i++) {
      near[i] = numbers[x[i]];
      sum += static_cast<uint32_t>(near[i]);
    }
    const F32 m = F32::set(ratio / static_cast<float>(sum));
    DSNK_ROLLED for (int64_t i = 0; i < n; i += F32::lanes) storeResults(near + i, m, zero, results + i);
    std::memcpy(y, results, static_cast<size_t>(n));
  }
};

static Fault byteSoftmax(const Work& w) {
  const auto& p = w.as<ByteSoftmaxParams>();
  ByteSoftmax softmax(p, w.at<const int32_t>(2));
  const Range rows = tileRange(p.rows, w.tile, w.tiles);
  const uint8_t* x = w.at<const uint8_t>(1) + rows.begin * p.n;
  uint8_t* y = w.at<uint8_t>(0) + rows.begin * p.n;
  for (int64_t row = rows.begin; row < rows.end; row++, x += p.n, y += p.n) {
    if (p.n >= kTableFrom) {
      softmax.longRow(x, y, p.n);
    } else {
      softmax.shortRow(x, y, p.n);
    }
  }
  return Fault::none;
}
#undef DSNK_ROLLED
