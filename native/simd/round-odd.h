// To 16 bits from more than a float has, with one rounding.
#pragma once
#include <cmath>

#include "simd/half.h"

namespace dsnk {

// By way of float: the float is rounded to odd first, which makes the second rounding the only one.
inline float roundedToOdd(double v) {
  const float f = static_cast<float>(v);
  if (std::isnan(v) || std::isinf(f) || static_cast<double>(f) == v) return f;
  uint32_t bits = bitsOfFloat(f);
  if (std::fabs(static_cast<double>(f)) > std::fabs(v)) bits--;  // back to truncation
  return floatOfBits(bits | 1);
}

}  // namespace dsnk
