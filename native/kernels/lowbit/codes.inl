// The bytes of one quad of k out of a unit (pack.cc has the picture): two vectors of words, one per half of the columns.
#ifndef DSNK_UNROLL
#define DSNK_UNROLL _Pragma("GCC unroll 16")
#endif
constexpr int64_t kLowBitNr = 2 * F32::lanes;

DSNK_INLINE I32 wordsAt(const uint8_t* unit, int vector) {
  return I32::load(reinterpret_cast<const int32_t*>(unit) + vector * I32::lanes);
}

template <int n>
DSNK_INLINE I32 shifted(I32 a) {  // to the right, to the left where n is negative
  if constexpr (n > 0) {
    return shiftRight<n>(a);
  } else if constexpr (n < 0) {
    return shiftLeft<-n>(a);
  } else {
    return a;
  }
}

template <int bits, int q, int h>
DSNK_INLINE I32 codesOf(const uint8_t* unit) {
  if constexpr (bits == 8) {
    return wordsAt(unit, 2 * q + h);
  } else if constexpr (bits == 4) {
    return shifted<4 * h>(wordsAt(unit, q)) & I32::set(0x0f0f0f0f);
  } else {
    const I32 low = shifted<4 * (q % 2) + 2 * h>(wordsAt(unit, q / 2)) & I32::set(0x03030303);
    if constexpr (bits == 2) {
      return low;
    } else {
      return low | (shifted<2 * q + h - 2>(wordsAt(unit, 2)) & I32::set(0x04040404));
    }
  }
}

// f(quad) with the quad as a compile-time constant.
template <int n>
struct Constant {
  static constexpr int value = n;
};
template <class F>
DSNK_INLINE void eachQuad(F f) {
  f(Constant<0>{});
  f(Constant<1>{});
  f(Constant<2>{});
  f(Constant<3>{});
}

// Rows [begin, end) in pieces of most, then 4, 2 and 1: f(Constant<rows>, first row).
template <int most, class F>
DSNK_INLINE void eachRows(int64_t begin, int64_t end, F f) {
  for (; end - begin >= most; begin += most) f(Constant<most>{}, begin);
  if constexpr (most > 8) {
    for (; end - begin >= 8; begin += 8) f(Constant<8>{}, begin);
  }
  if constexpr (most > 4) {
    for (; end - begin >= 4; begin += 4) f(Constant<4>{}, begin);
  }
  if constexpr (most > 2) {
    for (; end - begin >= 2; begin += 2) f(Constant<2>{}, begin);
  }
  for (; end - begin >= 1; begin++) f(Constant<1>{}, begin);
}

// A vector of results: the sum and the bias, the first n of them.
DSNK_INLINE void storeResult(F32 sum, const float* bias, float* y, int64_t n) {
  if (n <= 0) return;
  const int lanes = n < F32::lanes ? static_cast<int>(n) : F32::lanes;
  if (bias != nullptr) sum = sum + F32::loadFirst(bias, lanes);
  sum.storeFirst(y, lanes);
}
