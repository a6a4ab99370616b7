// Folding a contiguous row, the same way on every ISA: 64 virtual lanes, element i in lane i mod 64, lanes joined by
// halving (i with i+32, then +16, … +1), blocks of kFoldBlock elements joined in double. Hence the same bits everywhere
// and, for sums of n elements, |error| ≤ (kFoldBlock/64 + 6)·2⁻²⁴·Σ|x| + n/kFoldBlock·2⁻⁵³·Σ|x|.
//
// A fold R has:  F32 identity()   F32 map(F32 x)   F32 fold(F32 a, F32 mapped)   float across(F32 a), the lanes of one
// vector
//                joined by halving   double join(double a, double b)
// Members of the folds; always inlined, as everything that handles vectors.
#define FOLD_INLINE inline __attribute__((always_inline))

constexpr int kFoldVecs = 64 / F32::lanes;
constexpr int64_t kFoldBlock = 2048;  // 32 additions per lane; 8 KB, so that the rounding bound stays near 38 u

alignas(64) static const float kLaneIndex[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The first n lanes.
DSNK_INLINE Mask firstMask(int n) { return less(F32::load(kLaneIndex), F32::set(static_cast<float>(n))); }

// Lanes of one vector, joined by halving with r.one(float, float).
template <class R>
DSNK_INLINE float halveLanes(F32 a, const R& r) {
  alignas(64) float lane[F32::lanes];
  a.store(lane);
  for (int w = F32::lanes / 2; w >= 1; w /= 2) {
    for (int i = 0; i < w; i++) lane[i] = r.one(lane[i], lane[i + w]);
  }
  return lane[0];
}

// n in 1 … kFoldBlock elements.
template <class R>
DSNK_INLINE float foldBlock(const float* x, int64_t n, const R& r) {
  F32 acc[kFoldVecs];
#pragma GCC unroll 16
  for (int v = 0; v < kFoldVecs; v++) acc[v] = r.identity();
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs; v++) acc[v] = r.fold(acc[v], r.map(F32::load(x + i + v * F32::lanes)));
  }
  const int rest = static_cast<int>(n - i);
  if (rest > 0) {
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs; v++) {
      const int left = rest - v * F32::lanes;
      if (left >= F32::lanes) {
        acc[v] = r.fold(acc[v], r.map(F32::load(x + i + v * F32::lanes)));
      } else if (left > 0) {
        const F32 mapped = r.map(F32::loadFirst(x + i + v * F32::lanes, left));
        acc[v] = r.fold(acc[v], select(firstMask(left), mapped, r.identity()));
      }
    }
  }
  // Joining with an identity changes nothing, so untouched halves are left out.
  if (n > 32) {
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs / 2; v++) acc[v] = r.fold(acc[v], acc[v + kFoldVecs / 2]);
  }
  if (kFoldVecs >= 4 && n > 16) {
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs / 4; v++) acc[v] = r.fold(acc[v], acc[v + kFoldVecs / 4]);
  }
#pragma GCC unroll 16
  for (int w = kFoldVecs / 8; w >= 1; w /= 2) {
#pragma GCC unroll 16
    for (int v = 0; v < w; v++) acc[v] = r.fold(acc[v], acc[v + w]);
  }
  return r.across(acc[0]);
}

// Continues `total` with n ≥ 0 more elements.
template <class R>
DSNK_INLINE double foldRow(double total, const float* x, int64_t n, const R& r) {
  for (int64_t i = 0; i < n; i += kFoldBlock) {
    const int64_t part = n - i < kFoldBlock ? n - i : kFoldBlock;
    total = r.join(total, static_cast<double>(foldBlock(x + i, part, r)));
  }
  return total;
}

struct SumFold {
  FOLD_INLINE F32 identity() const { return F32::zero(); }
  FOLD_INLINE F32 map(F32 x) const { return x; }
  FOLD_INLINE F32 fold(F32 a, F32 x) const { return a + x; }
  FOLD_INLINE float across(F32 a) const { return sum(a); }  // vec.h halves too
  FOLD_INLINE double join(double a, double b) const { return a + b; }
  static constexpr double start = 0;
};
// Σ(x - shift)²: the square sum about a mean.
struct SquareFold : SumFold {
  F32 shift;
  explicit SquareFold(float s) : shift(F32::set(s)) {}
  FOLD_INLINE F32 map(F32 x) const {
    const F32 d = x - shift;
    return d * d;
  }
};
struct AbsFold : SumFold {
  FOLD_INLINE F32 map(F32 x) const { return abs(x); }
};
struct PowerFold : SumFold {
  FOLD_INLINE F32 map(F32 x) const { return x * x; }
};
struct ProdFold {
  FOLD_INLINE F32 identity() const { return F32::set(1.0f); }
  FOLD_INLINE F32 map(F32 x) const { return x; }
  FOLD_INLINE F32 fold(F32 a, F32 x) const { return a * x; }
  FOLD_INLINE float one(float a, float b) const { return a * b; }
  FOLD_INLINE float across(F32 a) const { return halveLanes(a, *this); }
  FOLD_INLINE double join(double a, double b) const { return a * b; }
  static constexpr double start = 1;
};
// NaN passes: once in the accumulator it stays, and it enters although every comparison with it is false.
struct MaxFold {
  FOLD_INLINE F32 identity() const { return F32::set(-HUGE_VALF); }
  FOLD_INLINE F32 map(F32 x) const { return x; }
  FOLD_INLINE F32 fold(F32 a, F32 x) const { return select(less(a, x) | isNan(x), x, a); }
  FOLD_INLINE float one(float a, float b) const { return a < b || b != b ? b : a; }
  FOLD_INLINE float across(F32 a) const { return halveLanes(a, *this); }
  FOLD_INLINE double join(double a, double b) const { return a < b || b != b ? b : a; }
  static constexpr double start = -HUGE_VAL;
};
struct MinFold {
  FOLD_INLINE F32 identity() const { return F32::set(HUGE_VALF); }
  FOLD_INLINE F32 map(F32 x) const { return x; }
  FOLD_INLINE F32 fold(F32 a, F32 x) const { return select(less(x, a) | isNan(x), x, a); }
  FOLD_INLINE float one(float a, float b) const { return b < a || b != b ? b : a; }
  FOLD_INLINE float across(F32 a) const { return halveLanes(a, *this); }
  FOLD_INLINE double join(double a, double b) const { return b < a || b != b ? b : a; }
  static constexpr double start = HUGE_VAL;
};
