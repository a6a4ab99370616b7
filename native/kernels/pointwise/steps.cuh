// The arithmetic of one pointwise step on one element, as the scalar rows have it: float.inl, generic.cc.
#pragma once
#include <type_traits>

#include "cuda/elements.cuh"
#include "kernels/pointwise/params.gen.h"

namespace dsnk {

// Operations that take long or many registers: they run element by element, so that the others keep theirs unrolled.
__device__ __forceinline__ bool isRare(PointwiseOp op) {
  switch (op) {
    case PointwiseOp::sin:
    case PointwiseOp::cos:
    case PointwiseOp::tan:
    case PointwiseOp::asin:
    case PointwiseOp::acos:
    case PointwiseOp::atan:
    case PointwiseOp::sinh:
    case PointwiseOp::cosh:
    case PointwiseOp::asinh:
    case PointwiseOp::acosh:
    case PointwiseOp::atanh:
    case PointwiseOp::log:
    case PointwiseOp::softplus:
    case PointwiseOp::mish:
    case PointwiseOp::pow:
    case PointwiseOp::mod:
    case PointwiseOp::fmod:
    case PointwiseOp::elu:
    case PointwiseOp::celu:
    case PointwiseOp::selu: return true;
    default: return false;
  }
}

__device__ __forceinline__ float sigmoidOf(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}
// Of which the second is taken where one is NaN, as vectors do.
__device__ __forceinline__ float least(float a, float b) { return a < b ? a : b; }
__device__ __forceinline__ float most(float a, float b) { return a > b ? a : b; }
__device__ __forceinline__ float eluOf(float x, float z) { return x < 0 ? z * expm1f(x) : x; }
__device__ __forceinline__ float truth(bool b) { return b ? 1.0f : 0.0f; }

__device__ __forceinline__ float rareStep(PointwiseOp op, float x, float z, float t) {
  switch (op) {
    case PointwiseOp::sin: return sinf(x);
    case PointwiseOp::cos: return cosf(x);
    case PointwiseOp::tan: return tanf(x);
    case PointwiseOp::asin: return asinf(x);
    case PointwiseOp::acos: return acosf(x);
    case PointwiseOp::atan: return atanf(x);
    case PointwiseOp::sinh: return sinhf(x);
    case PointwiseOp::cosh: return coshf(x);
    case PointwiseOp::asinh: return asinhf(x);
    case PointwiseOp::acosh: return acoshf(x);
    case PointwiseOp::atanh: return atanhf(x);
    case PointwiseOp::log: return logf(x);
    case PointwiseOp::softplus: return (x < 0 ? 0.0f : x) + log1pf(expf(-fabsf(x)));
    case PointwiseOp::mish: {
      const float e = expf(least(20.0f, x)), n = e * (e + 2.0f);
      return x * (n / (n + 2.0f));
    }
    case PointwiseOp::pow: return z == 2.0f ? x * x : z == 3.0f ? x * x * x : z == 1.0f ? x : powf(x, z);
    case PointwiseOp::fmod: return fmodf(x, z);
    case PointwiseOp::mod: {
      const float r = fmodf(x, z);
      return (r < 0 && z > 0) || (r > 0 && z < 0) ? r + z : r;
    }
    case PointwiseOp::elu: return eluOf(x, z);
    case PointwiseOp::celu: return most(0.0f, x) + least(0.0f, z * expm1f(x / z));
    default: return t * eluOf(x, z);  // selu
  }
}

// Calls each(f) with the operation as a function of the three operands; false for an unknown one.
template <class Each>
__device__ __forceinline__ void withStep(PointwiseOp op, float, Each each) {
#define DSNK_STEP(name, value) \
  case PointwiseOp::name: return each([](float x, float z, float t) { return (void)x, (void)z, (void)t, value; });
  switch (op) {
    DSNK_STEP(copy, x)
    DSNK_STEP(abs, fabsf(x))
    DSNK_STEP(neg, -x)
    DSNK_STEP(sign, (x < 0 ? -1.0f : x > 0 ? 1.0f : x))
    DSNK_STEP(floor, floorf(x))
    DSNK_STEP(ceil, ceilf(x))
    DSNK_STEP(round, rintf(x))
    DSNK_STEP(reciprocal, 1.0f / x)
    DSNK_STEP(sqrt, sqrtf(x))
    DSNK_STEP(exp, expf(x))
    DSNK_STEP(tanh, tanhf(x))
    DSNK_STEP(erf, erff(x))
    DSNK_STEP(sigmoid, sigmoidOf(x))
    DSNK_STEP(softsign, x / (1.0f + fabsf(x)))
    DSNK_STEP(relu, most(0.0f, x))
    DSNK_STEP(gelu, 0.5f * x * (1.0f + erff(x * 0.70710678118654752440f)))
    DSNK_STEP(geluTanh, x * sigmoidOf((2 * 0.7978845608028654f) * (0.044715f * x * x * x + x)))
    DSNK_STEP(hardSwish, x * most(0.0f, least(1.0f, x * (1.0f / 6.0f) + 0.5f)))
    DSNK_STEP(logicalNot, truth(x == 0))
    DSNK_STEP(isNaN, truth(x != x))
    DSNK_STEP(add, x + z)
    DSNK_STEP(sub, x - z)
    DSNK_STEP(mul, x * z)
    DSNK_STEP(div, x / z)
    DSNK_STEP(min, (x != x ? x : least(x, z)))
    DSNK_STEP(max, (x != x ? x : most(x, z)))
    DSNK_STEP(leakyRelu, (x < 0 ? z * x : x))
    DSNK_STEP(thresholdedRelu, (x <= z ? 0.0f : x))
    DSNK_STEP(swish, x * sigmoidOf(z * x))
    DSNK_STEP(equal, truth(x == z))
    DSNK_STEP(less, truth(x < z))
    DSNK_STEP(lessOrEqual, truth(x <= z))
    DSNK_STEP(logicalAnd, truth(x != 0 && z != 0))
    DSNK_STEP(logicalOr, truth(x != 0 || z != 0))
    DSNK_STEP(logicalXor, truth((x != 0) != (z != 0)))
    DSNK_STEP(clip, least(t, most(z, x)))
    DSNK_STEP(shrink, (x < -z ? x + t : z < x ? x - t : x != x ? x : 0.0f))
    DSNK_STEP(hardSigmoid, most(0.0f, least(1.0f, z * x + t)))
    DSNK_STEP(isInf, truth((x == -infinity() && z != 0) || (x == infinity() && t != 0)))
    DSNK_STEP(where, (x != 0 ? z : t))
    DSNK_STEP(mulAdd, x * z + t)
    default: return each([](float x, float, float) { return x; });
  }
#undef DSNK_STEP
}

// Integers wrap: computed without sign.
template <class T>
__device__ __forceinline__ T powerOf(T base, T exponent) {
  if (isNegative(exponent))
    return base == T{1} ? T{1} : base == static_cast<T>(-1) ? (exponent % 2 ? static_cast<T>(-1) : T{1}) : T{0};
  uint64_t result = 1, power = static_cast<uint64_t>(base);
  for (auto e = static_cast<uint64_t>(exponent); e; e >>= 1) {
    if (e & 1) result *= power;
    power *= power;
  }
  return static_cast<T>(result);
}
// The divisor is not 0; the least value by -1 wraps.
template <class T>
__device__ __forceinline__ T quotientOf(T x, T z) {
  if (std::is_signed<T>::value && z == static_cast<T>(-1))
    return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));
  return static_cast<T>(x / z);
}
template <class T>
__device__ __forceinline__ T remainderOf(T x, T z) {
  return std::is_signed<T>::value && z == static_cast<T>(-1) ? T{0} : static_cast<T>(x % z);
}
template <class T>
__device__ __forceinline__ T rareStep(PointwiseOp op, T x, T z, T) {
  if (op == PointwiseOp::pow) return powerOf(x, z);
  if (z == T{0}) return T{0};  // a fault already
  if (op == PointwiseOp::div) return quotientOf(x, z);
  const T r = remainderOf(x, z);
  return op == PointwiseOp::mod && r != 0 && isNegative(r) != isNegative(z) ? static_cast<T>(r + z) : r;
}

template <class T, class Each>
__device__ __forceinline__ void withStep(PointwiseOp op, T, Each each) {
  using U = uint64_t;
#define DSNK_STEP(name, value) \
  case PointwiseOp::name: return each([](T x, T z, T t) { return (void)x, (void)z, (void)t, static_cast<T>(value); });
  switch (op) {
    DSNK_STEP(copy, x)
    DSNK_STEP(abs, (isNegative(x) ? U{0} - static_cast<U>(x) : static_cast<U>(x)))
    DSNK_STEP(neg, U{0} - static_cast<U>(x))
    DSNK_STEP(sign, (isNegative(x) ? static_cast<T>(-1) : x != T{0} ? T{1} : x))
    DSNK_STEP(relu, (isNegative(x) ? T{0} : x))
    DSNK_STEP(logicalNot, x == 0)
    DSNK_STEP(add, static_cast<U>(x) + static_cast<U>(z))
    DSNK_STEP(sub, static_cast<U>(x) - static_cast<U>(z))
    DSNK_STEP(mul, static_cast<U>(x) * static_cast<U>(z))
    DSNK_STEP(min, (x < z ? x : z))
    DSNK_STEP(max, (x > z ? x : z))
    DSNK_STEP(equal, x == z)
    DSNK_STEP(less, x < z)
    DSNK_STEP(lessOrEqual, x <= z)
    DSNK_STEP(logicalAnd, x != 0 && z != 0)
    DSNK_STEP(logicalOr, x != 0 || z != 0)
    DSNK_STEP(logicalXor, (x != 0) != (z != 0))
    DSNK_STEP(clip, ((x < z ? z : x) > t ? t : (x < z ? z : x)))
    DSNK_STEP(where, (x != 0 ? z : t))
    DSNK_STEP(bitwiseNot, ~static_cast<U>(x))
    DSNK_STEP(bitwiseAnd, x & z)
    DSNK_STEP(bitwiseOr, x | z)
    DSNK_STEP(bitwiseXor, x ^ z)
    // a shift by the width or more leaves nothing
    DSNK_STEP(shiftLeft, (static_cast<std::make_unsigned_t<T>>(z) >= sizeof(T) * 8
                              ? U{0}
                              : static_cast<U>(x) << static_cast<std::make_unsigned_t<T>>(z)))
    DSNK_STEP(shiftRight, (static_cast<std::make_unsigned_t<T>>(z) >= sizeof(T) * 8
                               ? U{0}
                               : static_cast<U>(static_cast<std::make_unsigned_t<T>>(x)) >>
                                     static_cast<std::make_unsigned_t<T>>(z)))
    default: return each([](T x, T, T) { return x; });
  }
#undef DSNK_STEP
}

// Divisions of integers run element by element and find zero divisors.
template <class T>
__device__ __forceinline__ bool isRareOf(PointwiseOp op) {
  if (std::is_same<T, float>::value) return isRare(op);
  return op == PointwiseOp::div || op == PointwiseOp::mod || op == PointwiseOp::fmod || op == PointwiseOp::pow;
}
template <class T>
__device__ __forceinline__ bool divides(PointwiseOp op) {
  return !std::is_same<T, float>::value && op != PointwiseOp::pow;
}

// An immediate as an element; integers clamped.
__device__ __forceinline__ float immediateOf(float x, float) { return x; }
template <class T>
__device__ __forceinline__ T immediateOf(float x, T) {
  constexpr T low = kLowest<T>, high = kHighest<T>;
  if (!(x > static_cast<double>(low))) return x <= static_cast<double>(low) ? low : T{0};
  return x >= static_cast<double>(high) ? high : static_cast<T>(x);
}

}  // namespace dsnk
