// Halves in plain C++: the definition.

// One number, as its bits.
struct F16 {
  static constexpr int lanes = 1;
  uint16_t v;
  static inline F16 load(const uint16_t* p) { return {*p}; }
  inline void store(uint16_t* p) const { *p = v; }
};

// Eight numbers of a row of a, of which one at a time multiplies a vector of columns.
struct Octet {
  const uint16_t* v;
};
DSNK_INLINE Octet loadOctet(const uint16_t* p) { return {p}; }

// a·b + c, rounded once. The product and the sum are doubles wherever that matters: of two terms more than 53 bits apart
// the smaller one is less than half of the last place of the larger one.
__attribute__((noinline)) static uint16_t fusedHalves(uint16_t a, uint16_t b, uint16_t c) {
  const double product = static_cast<double>(halfToFloat(a)) * static_cast<double>(halfToFloat(b));
  return floatToHalf(roundedToOdd(product + static_cast<double>(halfToFloat(c))));
}

template <int lane>
DSNK_INLINE F16 multiply(F16 b, Octet a) {
  return {fusedHalves(a.v[lane], b.v, 0)};
}
template <int lane>
DSNK_INLINE void accumulate(F16& acc, F16 b, Octet a) {
  acc.v = fusedHalves(a.v[lane], b.v, acc.v);
}
// Twice rounded is once rounded here: a float has 24 bits, 2·11 + 2 are enough.
DSNK_INLINE F16 operator+(F16 a, F16 b) { return {floatToHalf(halfToFloat(a.v) + halfToFloat(b.v))}; }

// One factor a lane.
struct F16Scale {
  float v;
  explicit inline F16Scale(const float* p) : v(*p) {}
};
// sums += h·scale
DSNK_INLINE void addScaled(F16 h, const F16Scale& scale, float* sums) { *sums += halfToFloat(h.v) * scale.v; }

// The element type of narrow/.
struct Halves {
  using Source = float;
  using Stored = uint16_t;
  static constexpr bool sameStored = false;
  static void convert(const float* from, int64_t n, uint16_t* to) {
    for (int64_t i = 0; i < n; i++) to[i] = floatToHalf(from[i]);
  }
};
