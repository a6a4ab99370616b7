// Element types that C++ has no arithmetic for, with the type they are computed in: for portable kernels.
#pragma once
#include <cstdint>

#include "simd/half.h"

namespace dsnk {

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

inline float toFloat(F16 x) { return halfToFloat(x.bits); }
inline float toFloat(BF16 x) { return bfloatToFloat(x.bits); }
inline F16 toF16(float f) { return {floatToHalf(f)}; }
inline BF16 toBF16(float f) { return {floatToBfloat(f)}; }

// Element<T>: `Wide` is what T is computed in; load and store convert.
template <class T>
struct Element {
  using Wide = T;
  static Wide load(T x) { return x; }
  static T store(Wide x) { return x; }
};
template <>
struct Element<F16> {
  using Wide = float;
  static Wide load(F16 x) { return toFloat(x); }
  static F16 store(Wide x) { return toF16(x); }
};
template <>
struct Element<BF16> {
  using Wide = float;
  static Wide load(BF16 x) { return toFloat(x); }
  static BF16 store(Wide x) { return toBF16(x); }
};

}  // namespace dsnk
