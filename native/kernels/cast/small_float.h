// The 8- and 4-bit floating point formats: OCP 8-bit Floating Point Specification 1.0, OCP Microscaling Formats 1.0,
// and the "uz" variants (one zero, one NaN, no infinity). Written once for any split of exponent and mantissa.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

namespace dsnk {

struct SmallFloat {
  int mantissa, bias;
  int sign;      // the sign bit's place
  int largest;   // code of the largest finite magnitude
  int infinity;  // code, or -1
  int nan;       // code, or -1: the format has none, NaN becomes -0
  bool oneZero;  // no negative zero; NaN stands in its place
};

constexpr SmallFloat kF8e4m3fn{3, 7, 7, 0x7e, -1, 0x7f, false};
constexpr SmallFloat kF8e4m3fnuz{3, 8, 7, 0x7f, -1, 0x80, true};
constexpr SmallFloat kF8e5m2{2, 15, 7, 0x7b, 0x7c, 0x7e, false};
constexpr SmallFloat kF8e5m2fnuz{2, 16, 7, 0x7f, -1, 0x80, true};
constexpr SmallFloat kF4e2m1{1, 1, 3, 0x7, -1, -1, false};

inline double decodeSmall(const SmallFloat& f, int code) {
  const int top = 1 << f.sign, magnitude = code & (top - 1);
  if (f.oneZero ? code == f.nan : f.nan >= 0 && (magnitude == f.nan || (f.infinity >= 0 && magnitude > f.infinity))) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const int field = magnitude >> f.mantissa, rest = magnitude & ((1 << f.mantissa) - 1);
  double v;
  if (magnitude == f.infinity)
    v = std::numeric_limits<double>::infinity();
  else if (field == 0)
    v = std::ldexp(rest, 1 - f.bias - f.mantissa);
  else
    v = std::ldexp(rest + (1 << f.mantissa), field - f.bias - f.mantissa);
  return code & top ? -v : v;
}

// Rounds to nearest even. Too large: the largest when saturating, else infinity, else NaN.
inline int encodeSmall(const SmallFloat& f, double x, bool saturate) {
  const int top = std::signbit(x) ? 1 << f.sign : 0;
  if (std::isnan(x)) return f.nan < 0 ? 1 << f.sign : f.oneZero ? f.nan : top | f.nan;
  const double a = std::fabs(x);
  int code = f.largest + 1;
  if (!std::isinf(a)) {
    if (a == 0) return f.oneZero ? 0 : top;
    int e = std::ilogb(a);
    const int least = 1 - f.bias;
    if (e < least) e = least;
    if (e <= least + (f.largest >> f.mantissa)) {
      const double units = std::nearbyint(std::ldexp(a, f.mantissa - e));
      code = ((e - least) << f.mantissa) + static_cast<int>(units);
    }
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
inline double decodeE8m0(int code) {
  return code == 255 ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, code - 127);
}
enum class PowerRound { up, down, nearest };
inline int encodeE8m0(double x, bool saturate, PowerRound round) {
  const double a = std::fabs(x);
  if (std::isnan(a)) return 255;
  if (std::isinf(a)) return saturate ? 254 : 255;
  if (a == 0) return 0;
  const int e = std::ilogb(a);
  const double part = std::ldexp(a, -e);  // 1 <= part < 2
  int code = e + 127;
  if (round == PowerRound::up ? part > 1 : round == PowerRound::nearest && part >= 1.5) code++;
  if (code < 0) return 0;
  return code > 254 ? (saturate ? 254 : 255) : code;
}

}  // namespace dsnk
