// Element types that C++ has no arithmetic for, with the type they are computed in: for portable kernels.
#pragma once
#include <cstdint>
#include <cstring>

namespace dsnk {

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

inline float bitsToFloat(uint32_t u) {
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}
inline uint32_t floatToBits(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  return u;
}

inline float toFloat(F16 h) {
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000u) << 16, rest = h.bits & 0x7fffu;
  if (rest >= 0x7c00u) return bitsToFloat(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  if (rest >= 0x0400u) return bitsToFloat(sign | ((rest << 13) + (112u << 23)));
  const float f = static_cast<float>(rest) * 0x1p-24f;  // subnormal: exact
  return sign ? -f : f;
}
inline float toFloat(BF16 b) { return bitsToFloat(static_cast<uint32_t>(b.bits) << 16); }

// To nearest, ties to even; overflow gives infinity, NaN stays NaN.
inline F16 toF16(float f) {
  const uint32_t u = floatToBits(f);
  const auto sign = static_cast<uint16_t>((u >> 16) & 0x8000u);
  const uint32_t a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (a >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // 65520 and above
  if (a < 0x38800000u) {
    // subnormal: adding 0.5 leaves the 2⁻²⁴ steps in the low bits, rounded by the addition itself
    return {static_cast<uint16_t>(sign | (floatToBits(bitsToFloat(a) + 0.5f) - 0x3f000000u))};
  }
  return {static_cast<uint16_t>(sign | ((a + 0xfffu + ((a >> 13) & 1u) - (112u << 23)) >> 13))};
}
inline BF16 toBF16(float f) {
  const uint32_t u = floatToBits(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

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
