// To 16 bits from more than a float has, with one rounding: for rows of processors and of GPUs.
#pragma once
#include <math.h>

#include <cstdint>
#include <cstring>

#include "cuda/work.h"

namespace dsnk {

// By way of float: the float is rounded to odd first, which makes the second rounding the only one.
DSNK_ANYWHERE float roundedToOdd(double v) {
  const float f = static_cast<float>(v);
  if (v != v || fabsf(f) == INFINITY || static_cast<double>(f) == v) return f;
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if (fabs(static_cast<double>(f)) > fabs(v)) bits--;  // back to truncation
  bits |= 1;
  float odd;
  memcpy(&odd, &bits, sizeof odd);
  return odd;
}

}  // namespace dsnk
