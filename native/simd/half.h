// 16-bit floats in plain C++: the definition of the conversions.
#pragma once
#include <cstdint>
#include <cstring>

namespace dsnk {

inline float floatOfBits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline uint32_t bitsOfFloat(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

// IEEE binary16. The exponent is rebased by a multiplication, which also normalises denormals exactly.
inline float halfToFloat(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, rest = h & 0x7fff;
  if (rest >= 0x7c00) {  // infinity, NaN (quiet)
    return floatOfBits(sign | 0x7f800000 | (rest & 0x3ff) << 13 | (rest > 0x7c00 ? 0x400000u : 0u));
  }
  return floatOfBits(sign | bitsOfFloat(floatOfBits(rest << 13) * 0x1p112f));
}

inline uint16_t floatToHalf(float f) {
  const uint32_t bits = bitsOfFloat(f), sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff;
  if (a > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | (a >> 13 & 0x3ff));
  if (a >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and more round to infinity
  if (a < 0x38800000) {  // denormal: adding 1/2 puts the last bit of the result at the last bit of the sum
    const uint32_t sum = bitsOfFloat(floatOfBits(a) + 0.5f);
    return static_cast<uint16_t>(sign | (sum - 0x3f000000));
  }
  const uint32_t rounded = a + 0xfff + (a >> 13 & 1);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

inline float bfloatToFloat(uint16_t h) { return floatOfBits(static_cast<uint32_t>(h) << 16); }

inline uint16_t floatToBfloat(float f) {
  const uint32_t bits = bitsOfFloat(f);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace dsnk
