// IEEE binary16 as bits, for portable code. No hardware type: 32-bit ARM and old compilers have none.
#pragma once
#include <cstdint>
#include <cstring>

namespace dsnk {

inline float halfToFloat(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, magnitude = h & 0x7fff;
  uint32_t bits;
  if (magnitude >= 0x7c00) {
    bits = sign | 0x7f800000u | (magnitude & 0x3ff) << 13;
  } else if (magnitude >= 0x400) {
    bits = sign | ((magnitude << 13) + (uint32_t{112} << 23));
  } else {
    const float v = static_cast<float>(magnitude) * 0x1p-24f;  // subnormal, exact
    std::memcpy(&bits, &v, 4);
    bits |= sign;
  }
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

// Rounds to nearest, ties to even; a NaN stays one.
inline uint16_t floatToHalf(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and up round to infinity
  uint32_t h;
  if (magnitude >= 0x38800000) {
    const uint32_t odd = magnitude >> 13 & 1;
    h = (magnitude - (uint32_t{112} << 23) + 0xfff + odd) >> 13;
  } else {
    // Adding 1/2 leaves the half's subnormal bits, rounded, at the low end of the mantissa.
    float v;
    std::memcpy(&v, &magnitude, 4);
    v += 0.5f;
    std::memcpy(&h, &v, 4);
    h -= 0x3f000000;
  }
  return static_cast<uint16_t>(sign | h);
}

}  // namespace dsnk
