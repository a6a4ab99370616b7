// The portable rows of the other element types: f64, and integers with wrapping arithmetic. Truth values are bytes
// of the u8 row. See pointwise.cc for what is computed.
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/pointwise/program.h"

namespace dsnk {
namespace {
#include "kernels/pointwise/walk.inl"

template <class T>
using Bits = std::make_unsigned_t<T>;

// Integer arithmetic wraps: computed without sign, at no less than the width of int.
template <class T, class F>
T wrapped(T a, T b, F f) {
  using U = std::conditional_t<(sizeof(T) < 4), uint32_t, Bits<T>>;
  return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
}

template <class T>
T powerOf(T base, T exponent) {
  if constexpr (std::is_signed_v<T>) {
    if (exponent < 0) return base == 1 ? T{1} : base == -1 ? (exponent % 2 ? T{-1} : T{1}) : T{0};
  }
  T result = 1;
  for (auto e = static_cast<uint64_t>(exponent); e; e >>= 1) {
    if (e & 1) result = wrapped(result, base, [](auto x, auto y) { return x * y; });
    base = wrapped(base, base, [](auto x, auto y) { return x * y; });
  }
  return result;
}

template <class T>
struct Row {
  using Element = T;
  using O = Operand<T>;
  static constexpr bool isFloat = std::is_floating_point_v<T>;

  static T immediate(float x) {
    if constexpr (isFloat) return static_cast<T>(x);
    // only small integers are meant; anything else is clamped, not undefined
    const double low = static_cast<double>(std::numeric_limits<T>::min()),
                 high = static_cast<double>(std::numeric_limits<T>::max());
    if (!(x > low)) return x <= low ? std::numeric_limits<T>::min() : T{0};
    return x >= high ? std::numeric_limits<T>::max() : static_cast<T>(x);
  }
  static void fill(T* y, T x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = x;
  }
  static void move(T* y, const T* x, int64_t n) { std::memcpy(y, x, static_cast<size_t>(n) * sizeof(T)); }
  static void widen(PointwiseType, T* y, const std::byte* from, int64_t offset, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = from[offset + i] != std::byte{0};
  }
  static void narrow(PointwiseType, std::byte* to, int64_t offset, const T* x, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[offset + i] = std::byte{x[i] != 0};
  }

  template <class F>
  static Fault unary(T* y, O a, int64_t n, F f) {
    const int64_t s = a.splat ? 0 : 1;
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(f(a.at[i * s]));
    return Fault::none;
  }
  template <class F>
  static Fault binary(T* y, O a, O b, int64_t n, F f) {
    const int64_t s = a.splat ? 0 : 1, t = b.splat ? 0 : 1;
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(f(a.at[i * s], b.at[i * t]));
    return Fault::none;
  }
  template <class F>
  static Fault ternary(T* y, O a, O b, O c, int64_t n, F f) {
    const int64_t s = a.splat ? 0 : 1, t = b.splat ? 0 : 1, u = c.splat ? 0 : 1;
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<T>(f(a.at[i * s], b.at[i * t], c.at[i * u]));
    return Fault::none;
  }
  // Division and remainders: a zero divisor is found first, and MIN / -1 wraps.
  template <class F>
  static Fault divided(T* y, O a, O b, int64_t n, F f) {
    if constexpr (!isFloat) {
      for (int64_t i = 0; i < (b.splat ? (n > 0) : n); i++) {
        if (b.at[i] == 0) return Fault::divisionByZero;
      }
    }
    return binary(y, a, b, n, f);
  }

  static Fault step(PointwiseOp op, T* y, O a, O b, O c, int64_t n) {
    switch (op) {
      case PointwiseOp::copy: return unary(y, a, n, [](T x) { return x; });
      case PointwiseOp::abs:
        return unary(y, a, n, [](T x) {
          if constexpr (isFloat)
            return std::fabs(x);
          else
            return x < T{0} ? wrapped(T{0}, x, [](auto p, auto q) { return p - q; }) : x;
        });
      case PointwiseOp::neg:
        return unary(y, a, n, [](T x) {
          if constexpr (isFloat)
            return -x;
          else
            return wrapped(T{0}, x, [](auto p, auto q) { return p - q; });
        });
      case PointwiseOp::sign:
        return unary(y, a, n, [](T x) { return x < T{0} ? static_cast<T>(-1) : x > T{0} ? T{1} : x; });
      case PointwiseOp::relu: return unary(y, a, n, [](T x) { return x < T{0} ? T{0} : x; });
      case PointwiseOp::logicalNot: return unary(y, a, n, [](T x) { return x == 0; });
      case PointwiseOp::add:
        return binary(y, a, b, n, [](T x, T z) { return arithmetic(x, z, [](auto p, auto q) { return p + q; }); });
      case PointwiseOp::sub:
        return binary(y, a, b, n, [](T x, T z) { return arithmetic(x, z, [](auto p, auto q) { return p - q; }); });
      case PointwiseOp::mul:
        return binary(y, a, b, n, [](T x, T z) { return arithmetic(x, z, [](auto p, auto q) { return p * q; }); });
      case PointwiseOp::div:
        return divided(y, a, b, n, [](T x, T z) {
          if constexpr (isFloat)
            return x / z;
          else if (std::is_signed_v<T> && z == static_cast<T>(-1))
            return wrapped(T{0}, x, [](auto p, auto q) { return p - q; });
          else
            return static_cast<T>(x / z);
        });
      case PointwiseOp::fmod: return divided(y, a, b, n, [](T x, T z) { return remainderOf(x, z); });
      case PointwiseOp::mod:
        return divided(y, a, b, n, [](T x, T z) {
          const T r = remainderOf(x, z);
          return r != 0 && (r < T{0}) != (z < T{0}) ? static_cast<T>(r + z) : r;
        });
      case PointwiseOp::pow:
        return binary(y, a, b, n, [](T x, T z) {
          if constexpr (isFloat)
            return std::pow(x, z);
          else
            return powerOf(x, z);
        });
      case PointwiseOp::min: return binary(y, a, b, n, [](T x, T z) { return x != x ? x : x < z ? x : z; });
      case PointwiseOp::max: return binary(y, a, b, n, [](T x, T z) { return x != x ? x : x > z ? x : z; });
      case PointwiseOp::equal: return binary(y, a, b, n, [](T x, T z) { return x == z; });
      case PointwiseOp::less: return binary(y, a, b, n, [](T x, T z) { return x < z; });
      case PointwiseOp::lessOrEqual: return binary(y, a, b, n, [](T x, T z) { return x <= z; });
      case PointwiseOp::logicalAnd: return binary(y, a, b, n, [](T x, T z) { return x != 0 && z != 0; });
      case PointwiseOp::logicalOr: return binary(y, a, b, n, [](T x, T z) { return x != 0 || z != 0; });
      case PointwiseOp::logicalXor: return binary(y, a, b, n, [](T x, T z) { return (x != 0) != (z != 0); });
      case PointwiseOp::clip:
        return ternary(y, a, b, c, n, [](T x, T low, T high) {
          const T v = x < low ? low : x;
          return v > high ? high : v;
        });
      case PointwiseOp::where: return ternary(y, a, b, c, n, [](T x, T yes, T no) { return x != 0 ? yes : no; });
      default: break;
    }
    if constexpr (isFloat)
      return floatStep(op, y, a, b, c, n);
    else
      return integerStep(op, y, a, b, n);
  }

  template <class F>
  static T arithmetic(T x, T z, F f) {
    if constexpr (isFloat)
      return f(x, z);
    else
      return wrapped(x, z, f);
  }
  static T remainderOf(T x, T z) {
    if constexpr (isFloat)
      return std::fmod(x, z);
    else
      return std::is_signed_v<T> && z == static_cast<T>(-1) ? T{0} : static_cast<T>(x % z);
  }

  static Fault integerStep(PointwiseOp op, T* y, O a, O b, int64_t n) {
    constexpr int width = sizeof(T) * 8;
    switch (op) {
      case PointwiseOp::bitwiseNot: return unary(y, a, n, [](T x) { return ~x; });
      case PointwiseOp::bitwiseAnd: return binary(y, a, b, n, [](T x, T z) { return x & z; });
      case PointwiseOp::bitwiseOr: return binary(y, a, b, n, [](T x, T z) { return x | z; });
      case PointwiseOp::bitwiseXor: return binary(y, a, b, n, [](T x, T z) { return x ^ z; });
      // a shift by the width or more leaves nothing
      case PointwiseOp::shiftLeft:
        return binary(y, a, b, n, [](T x, T z) {
          return static_cast<Bits<T>>(z) >= width ? T{0}
                                                  : static_cast<T>(static_cast<uint64_t>(x) << static_cast<Bits<T>>(z));
        });
      case PointwiseOp::shiftRight:
        return binary(y, a, b, n, [](T x, T z) {
          return static_cast<Bits<T>>(z) >= width ? T{0}
                                                  : static_cast<T>(static_cast<Bits<T>>(x) >> static_cast<Bits<T>>(z));
        });
      default: return Fault::invalidValue;
    }
  }

  static T eluOf(T x, T z) { return x < 0 ? z * std::expm1(x) : x; }
  static T sigmoidOf(T x) {
    const T e = std::exp(-std::fabs(x));
    return (x < 0 ? e : T{1}) / (T{1} + e);
  }
  static T softplusOf(T x) { return (x < 0 ? T{0} : x) + std::log1p(std::exp(-std::fabs(x))); }
  static T unit(T x) { return x < 0 ? T{0} : x > 1 ? T{1} : x; }

  static Fault floatStep(PointwiseOp op, T* y, O a, O b, O c, int64_t n) {
    switch (op) {
      case PointwiseOp::floor: return unary(y, a, n, [](T x) { return std::floor(x); });
      case PointwiseOp::ceil: return unary(y, a, n, [](T x) { return std::ceil(x); });
      case PointwiseOp::round: return unary(y, a, n, [](T x) { return std::nearbyint(x); });
      case PointwiseOp::reciprocal: return unary(y, a, n, [](T x) { return 1 / x; });
      case PointwiseOp::sqrt: return unary(y, a, n, [](T x) { return std::sqrt(x); });
      case PointwiseOp::exp: return unary(y, a, n, [](T x) { return std::exp(x); });
      case PointwiseOp::log: return unary(y, a, n, [](T x) { return std::log(x); });
      case PointwiseOp::sin: return unary(y, a, n, [](T x) { return std::sin(x); });
      case PointwiseOp::cos: return unary(y, a, n, [](T x) { return std::cos(x); });
      case PointwiseOp::tan: return unary(y, a, n, [](T x) { return std::tan(x); });
      case PointwiseOp::asin: return unary(y, a, n, [](T x) { return std::asin(x); });
      case PointwiseOp::acos: return unary(y, a, n, [](T x) { return std::acos(x); });
      case PointwiseOp::atan: return unary(y, a, n, [](T x) { return std::atan(x); });
      case PointwiseOp::sinh: return unary(y, a, n, [](T x) { return std::sinh(x); });
      case PointwiseOp::cosh: return unary(y, a, n, [](T x) { return std::cosh(x); });
      case PointwiseOp::tanh: return unary(y, a, n, [](T x) { return std::tanh(x); });
      case PointwiseOp::asinh: return unary(y, a, n, [](T x) { return std::asinh(x); });
      case PointwiseOp::acosh: return unary(y, a, n, [](T x) { return std::acosh(x); });
      case PointwiseOp::atanh: return unary(y, a, n, [](T x) { return std::atanh(x); });
      case PointwiseOp::erf: return unary(y, a, n, [](T x) { return std::erf(x); });
      case PointwiseOp::sigmoid: return unary(y, a, n, sigmoidOf);
      case PointwiseOp::softplus: return unary(y, a, n, softplusOf);
      case PointwiseOp::softsign: return unary(y, a, n, [](T x) { return x / (1 + std::fabs(x)); });
      case PointwiseOp::gelu: return unary(y, a, n, [](T x) { return x / 2 * std::erfc(-x * std::sqrt(T{0.5})); });
      case PointwiseOp::geluTanh:
        return unary(y, a, n, [](T x) {
          return x / 2 * (1 + std::tanh(T{0.79788456080286535588} * (x + T{0.044715} * x * x * x)));
        });
      case PointwiseOp::mish: return unary(y, a, n, [](T x) { return x * std::tanh(softplusOf(x)); });
      case PointwiseOp::hardSwish: return unary(y, a, n, [](T x) { return x * unit(x / 6 + T{0.5}); });
      case PointwiseOp::isNaN: return unary(y, a, n, [](T x) { return x != x; });
      case PointwiseOp::leakyRelu: return binary(y, a, b, n, [](T x, T z) { return x < 0 ? z * x : x; });
      case PointwiseOp::elu: return binary(y, a, b, n, eluOf);
      case PointwiseOp::celu:
        return binary(y, a, b, n, [](T x, T z) {
          const T low = z * std::expm1(x / z);
          return (x < 0 ? T{0} : x) + (low < 0 ? low : T{0});
        });
      case PointwiseOp::thresholdedRelu: return binary(y, a, b, n, [](T x, T z) { return x <= z ? T{0} : x; });
      case PointwiseOp::swish: return binary(y, a, b, n, [](T x, T z) { return x * sigmoidOf(z * x); });
      case PointwiseOp::selu: return ternary(y, a, b, c, n, [](T x, T z, T t) { return t * eluOf(x, z); });
      case PointwiseOp::shrink:
        return ternary(y, a, b, c, n, [](T x, T z, T t) { return x < -z ? x + t : x > z ? x - t : x != x ? x : T{0}; });
      case PointwiseOp::hardSigmoid: return ternary(y, a, b, c, n, [](T x, T z, T t) { return unit(z * x + t); });
      case PointwiseOp::isInf:
        return ternary(y, a, b, c, n, [](T x, T z, T t) { return std::isinf(x) && (x < 0 ? z : t) != 0; });
      case PointwiseOp::mulAdd: return ternary(y, a, b, c, n, [](T x, T z, T t) { return x * z + t; });
      default: return Fault::invalidValue;
    }
  }
};

template <class T>
Fault runRow(const Work& w) {
  return Walker<Row<T>>(w).run();
}
}  // namespace

#define DSNK_ROW(name, T)                                                 \
  Fault pointwise_##name##_scalar(const Work& w) { return runRow<T>(w); } \
  Fault pointwise_to_##name##_scalar(const Work& w) { return runRow<T>(w); }
DSNK_ROW(f64, double)
DSNK_ROW(i8, int8_t)
DSNK_ROW(i16, int16_t)
DSNK_ROW(i32, int32_t)
DSNK_ROW(i64, int64_t)
DSNK_ROW(u8, uint8_t)
DSNK_ROW(u16, uint16_t)
DSNK_ROW(u32, uint32_t)
DSNK_ROW(u64, uint64_t)
#undef DSNK_ROW

}  // namespace dsnk
