// The 8- and 4-bit floating point formats: OCP 8-bit Floating Point Specification 1.0, OCP Microscaling Formats 1.0,
// and the "uz" variants (one zero, one NaN, no infinity). Written once for any split of exponent and mantissa, for rows of
// processors and of GPUs: with the C names of functions, which device code has.
#pragma once
#include <math.h>

#include <cstdint>
#include <cstring>

#include "cuda/work.h"
#include "kernels/cast/params.gen.h"

namespace dsnk {

struct SmallFloat {
  int mantissa, bias;
  int sign;      // the sign bit's place
  int largest;   // code of the largest finite magnitude
  int infinity;  // code, or -1
  int nan;       // code, or -1: the format has none, NaN becomes -0
  bool oneZero;  // no negative zero; NaN stands in its place
};

// f8e8m0 is none of them.
DSNK_ANYWHERE constexpr SmallFloat smallFloat(CastType t) {
  switch (t) {
    case CastType::f8e4m3fn: return {3, 7, 7, 0x7e, -1, 0x7f, false};
    case CastType::f8e4m3fnuz: return {3, 8, 7, 0x7f, -1, 0x80, true};
    case CastType::f8e5m2: return {2, 15, 7, 0x7b, 0x7c, 0x7e, false};
    case CastType::f8e5m2fnuz: return {2, 16, 7, 0x7f, -1, 0x80, true};
    default: return {1, 1, 3, 0x7, -1, -1, false};  // f4e2m1
  }
}

DSNK_ANYWHERE uint64_t doubleBits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
DSNK_ANYWHERE double doubleOfBits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
DSNK_ANYWHERE double notANumber() { return doubleOfBits(uint64_t{0x7ff8} << 48); }
DSNK_ANYWHERE double endless() { return doubleOfBits(uint64_t{0x7ff0} << 48); }

DSNK_ANYWHERE double decodeSmall(const SmallFloat& f, int code) {
  const int top = 1 << f.sign, magnitude = code & (top - 1);
  if (f.oneZero ? code == f.nan : f.nan >= 0 && (magnitude == f.nan || (f.infinity >= 0 && magnitude > f.infinity)))
    return notANumber();
  const int field = magnitude >> f.mantissa, rest = magnitude & ((1 << f.mantissa) - 1);
  double v;
  if (magnitude == f.infinity)
    v = endless();
  else if (field == 0)
    v = ldexp(static_cast<double>(rest), 1 - f.bias - f.mantissa);
  else
    v = ldexp(static_cast<double>(rest + (1 << f.mantissa)), field - f.bias - f.mantissa);
  return code & top ? -v : v;
}

// Rounds to nearest even. Too large: the largest when saturating, else infinity, else NaN.
DSNK_ANYWHERE int encodeSmall(const SmallFloat& f, double x, bool saturate) {
  const int top = doubleBits(x) >> 63 ? 1 << f.sign : 0;
  if (x != x) return f.nan < 0 ? 1 << f.sign : f.oneZero ? f.nan : top | f.nan;
  const double a = fabs(x);
  int code = f.largest + 1;
  if (a < endless()) {
    if (a == 0) return f.oneZero ? 0 : top;
    int e = ilogb(a);
    const int least = 1 - f.bias;
    if (e < least) e = least;
    if (e <= least + (f.largest >> f.mantissa))
      code = ((e - least) << f.mantissa) + static_cast<int>(rint(ldexp(a, f.mantissa - e)));
  }
  if (code > f.largest) {
    if (saturate || f.nan < 0)
      code = f.largest;
    else if (f.infinity >= 0)
      code = f.infinity;
    else
      return f.oneZero ? f.nan : top | f.nan;
  }
  if (f.oneZero && code == 0) return 0;
  return top | code;
}

// f8e8m0: a bare exponent, 2^(code - 127); 255 is NaN.
DSNK_ANYWHERE double decodePower(int code) { return code == 255 ? notANumber() : ldexp(1.0, code - 127); }
DSNK_ANYWHERE int encodePower(double x, bool saturate, CastRound round) {
  const double a = fabs(x);
  if (a != a) return 255;
  if (!(a < endless())) return saturate ? 254 : 255;
  if (a == 0) return 0;
  const int e = ilogb(a);
  const double part = ldexp(a, -e);  // 1 <= part < 2
  int code = e + 127;
  if (round == CastRound::up ? part > 1 : round == CastRound::nearest && part >= 1.5) code++;
  if (code < 0) return 0;
  return code > 254 ? (saturate ? 254 : 255) : code;
}

}  // namespace dsnk
