// Columns of weights become halves by way of a scale, a power of two: the largest magnitude of a column lies in [1/2, 1) then.
#pragma once
#include <cmath>

#include "simd/half.h"
#include "kernels/round_odd.h"

namespace dsnk {

// Its exponent, for the bits of a largest magnitude; NaN counts as the largest.
inline int halfExponent(uint32_t largestBits) {
  if (largestBits == 0 || largestBits >= 0x7f800000) return 0;
  int e = 0;
  static_cast<void>(std::frexp(floatOfBits(largestBits), &e));
  return e < -126 ? -126 : e > 127 ? 127 : e;
}

}  // namespace dsnk
