// The float32 steps, for use inside an ISA region after walk.inl.
#include "simd/math.inl"

// y[i] = f(a[i])
template <class F>
DSNK_INLINE void unary(float* y, Operand<float> a, int64_t n, F f) {
  constexpr int L = F32::lanes;
  if (a.splat) {
    const F32 v = f(F32::set(*a.at));
    int64_t i = 0;
    for (; i + L <= n; i += L) v.store(y + i);
    if (i < n) v.storeFirst(y + i, static_cast<int>(n - i));
    return;
  }
  int64_t i = 0;
  for (; i + L <= n; i += L) f(F32::load(a.at + i)).store(y + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    f(F32::loadFirst(a.at + i, rest)).storeFirst(y + i, rest);
  }
}

// y[i] = f(a[i], b[i]); a loop for each way to read the operands, as the loads are what costs here.
template <class F>
DSNK_INLINE void binary(float* y, Operand<float> a, Operand<float> b, int64_t n, F f) {
  constexpr int L = F32::lanes;
  if (a.splat) {
    const F32 v = F32::set(*a.at);
    return unary(y, b, n, [&](F32 x) { return f(v, x); });
  }
  if (b.splat) {
    const F32 v = F32::set(*b.at);
    return unary(y, a, n, [&](F32 x) { return f(x, v); });
  }
  int64_t i = 0;
  for (; i + L <= n; i += L) f(F32::load(a.at + i), F32::load(b.at + i)).store(y + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    f(F32::loadFirst(a.at + i, rest), F32::loadFirst(b.at + i, rest)).storeFirst(y + i, rest);
  }
}

template <class F>
DSNK_INLINE void ternary(float* y, Operand<float> a, Operand<float> b, Operand<float> c, int64_t n, F f) {
  constexpr int L = F32::lanes;
  if (c.splat) {
    const F32 v = F32::set(*c.at);
    return binary(y, a, b, n, [&](F32 x, F32 z) { return f(x, z, v); });
  }
  if (b.splat) {
    const F32 v = F32::set(*b.at);
    return binary(y, a, c, n, [&](F32 x, F32 t) { return f(x, v, t); });
  }
  if (a.splat) {
    const F32 v = F32::set(*a.at);
    return binary(y, b, c, n, [&](F32 z, F32 t) { return f(v, z, t); });
  }
  int64_t i = 0;
  for (; i + L <= n; i += L) f(F32::load(a.at + i), F32::load(b.at + i), F32::load(c.at + i)).store(y + i);
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    f(F32::loadFirst(a.at + i, rest), F32::loadFirst(b.at + i, rest), F32::loadFirst(c.at + i, rest))
        .storeFirst(y + i, rest);
  }
}

DSNK_INLINE F32 truth(Mask m) { return select(m, F32::set(1.0f), F32::zero()); }
DSNK_INLINE Mask isTrue(F32 a) { return !equal(a, F32::zero()); }
DSNK_INLINE F32 minNan(F32 a, F32 b) { return select(isNan(a), a, min(a, b)); }
DSNK_INLINE F32 maxNan(F32 a, F32 b) { return select(isNan(a), a, max(a, b)); }
DSNK_INLINE F32 signOf(F32 a) {
  return select(less(a, F32::zero()), F32::set(-1.0f), select(less(F32::zero(), a), F32::set(1.0f), a));
}
// The remainder with the divisor's sign.
DSNK_INLINE F32 modOf(F32 a, F32 b) {
  const F32 r = fmod(a, b);
  const F32 zero = F32::zero();
  return select((less(r, zero) & less(zero, b)) | (less(zero, r) & less(b, zero)), r + b, r);
}
DSNK_INLINE F32 eluOf(F32 a, F32 b) { return select(less(a, F32::zero()), b * expm1(a), a); }

struct FloatRow {
  using Element = float;
  static float immediate(float x) { return x; }

  static void fill(float* y, float x, int64_t n) {
    const F32 v = F32::set(x);
    for (int64_t i = 0; i < n; i += F32::lanes) v.store(y + i);
  }
  static void move(float* y, const float* x, int64_t n) {
    int64_t i = 0;
    for (; i + F32::lanes <= n; i += F32::lanes) F32::load(x + i).store(y + i);
    if (i < n) F32::loadFirst(x + i, static_cast<int>(n - i)).store(y + i);
  }

  template <class T, class L>
  static inline __attribute__((always_inline)) void widenBy(float* y, const T* x, int64_t n, L load) {
    int64_t i = 0;
    for (; i + F32::lanes <= n; i += F32::lanes) load(x + i).store(y + i);
    if (i == n) return;
    T rest[F32::lanes] = {};
    for (int64_t k = i; k < n; k++) rest[k - i] = x[k];
    load(rest).store(y + i);
  }
  template <class T, class S>
  static inline __attribute__((always_inline)) void narrowBy(T* y, const float* x, int64_t n, S store) {
    int64_t i = 0;
    for (; i + F32::lanes <= n; i += F32::lanes) store(F32::load(x + i), y + i);
    if (i == n) return;
    T rest[F32::lanes];
    store(F32::loadFirst(x + i, static_cast<int>(n - i)), rest);
    for (int64_t k = i; k < n; k++) y[k] = rest[k - i];
  }
  static void widen(PointwiseType type, float* y, const std::byte* from, int64_t offset, int64_t n) {
    switch (type) {
      case PointwiseType::boolean:
        return widenBy(y, reinterpret_cast<const uint8_t*>(from) + offset, n,
                       [](const uint8_t* x) { return loadTruth(x); });
      case PointwiseType::half:
        return widenBy(y, reinterpret_cast<const uint16_t*>(from) + offset, n,
                       [](const uint16_t* x) { return loadHalf(x); });
      case PointwiseType::bfloat:
        return widenBy(y, reinterpret_cast<const uint16_t*>(from) + offset, n,
                       [](const uint16_t* x) { return loadBfloat(x); });
      case PointwiseType::byte:
        return widenBy(y, reinterpret_cast<const uint8_t*>(from) + offset, n,
                       [](const uint8_t* x) { return loadByte(x); });
      case PointwiseType::signedByte:
        return widenBy(y, reinterpret_cast<const int8_t*>(from) + offset, n,
                       [](const int8_t* x) { return loadSignedByte(x); });
      case PointwiseType::own: return move(y, reinterpret_cast<const float*>(from) + offset, n);
    }
  }
  static void narrow(PointwiseType type, std::byte* to, int64_t offset, const float* x, int64_t n) {
    switch (type) {
      case PointwiseType::boolean:
        return narrowBy(reinterpret_cast<uint8_t*>(to) + offset, x, n, [](F32 v, uint8_t* y) { storeTruth(v, y); });
      case PointwiseType::half:
        return narrowBy(reinterpret_cast<uint16_t*>(to) + offset, x, n, [](F32 v, uint16_t* y) { storeHalf(v, y); });
      case PointwiseType::bfloat:
        return narrowBy(reinterpret_cast<uint16_t*>(to) + offset, x, n, [](F32 v, uint16_t* y) { storeBfloat(v, y); });
      case PointwiseType::byte:
        return narrowBy(reinterpret_cast<uint8_t*>(to) + offset, x, n, [](F32 v, uint8_t* y) { storeByte(v, y); });
      case PointwiseType::signedByte:
        return narrowBy(reinterpret_cast<int8_t*>(to) + offset, x, n, [](F32 v, int8_t* y) { storeSignedByte(v, y); });
      case PointwiseType::own: return;
    }
  }

  static Fault step(PointwiseOp op, float* y, Operand<float> a, Operand<float> b, Operand<float> c, int64_t n) {
    const F32 zero = F32::zero(), one = F32::set(1.0f);
#define DSNK_STEP1(name, value) \
  case PointwiseOp::name:       \
    unary(y, a, n, [=](F32 x) { \
      (void)zero, (void)one;    \
      return value;             \
    });                         \
    return Fault::none;
#define DSNK_STEP2(name, value)            \
  case PointwiseOp::name:                  \
    binary(y, a, b, n, [=](F32 x, F32 z) { \
      (void)zero, (void)one;               \
      return value;                        \
    });                                    \
    return Fault::none;
#define DSNK_STEP3(name, value)                       \
  case PointwiseOp::name:                             \
    ternary(y, a, b, c, n, [=](F32 x, F32 z, F32 t) { \
      (void)zero, (void)one;                          \
      return value;                                   \
    });                                               \
    return Fault::none;
    switch (op) {
      DSNK_STEP1(copy, x)
      DSNK_STEP1(abs, abs(x))
      DSNK_STEP1(neg, neg(x))
      DSNK_STEP1(sign, signOf(x))
      DSNK_STEP1(floor, floor(x))
      DSNK_STEP1(ceil, ceil(x))
      DSNK_STEP1(round, roundEven(x))
      DSNK_STEP1(reciprocal, one / x)
      DSNK_STEP1(sqrt, sqrt(x))
      DSNK_STEP1(exp, exp(x))
      DSNK_STEP1(log, log(x))
      DSNK_STEP1(sin, sin(x))
      DSNK_STEP1(cos, cos(x))
      DSNK_STEP1(tan, tan(x))
      DSNK_STEP1(asin, asin(x))
      DSNK_STEP1(acos, acos(x))
      DSNK_STEP1(atan, atan(x))
      DSNK_STEP1(sinh, sinh(x))
      DSNK_STEP1(cosh, cosh(x))
      DSNK_STEP1(tanh, tanh(x))
      DSNK_STEP1(asinh, asinh(x))
      DSNK_STEP1(acosh, acosh(x))
      DSNK_STEP1(atanh, atanh(x))
      DSNK_STEP1(erf, erf(x))
      DSNK_STEP1(sigmoid, sigmoid(x))
      DSNK_STEP1(softplus, softplus(x))
      DSNK_STEP1(softsign, x / (one + abs(x)))
      DSNK_STEP1(relu, max(zero, x))
      DSNK_STEP1(gelu, gelu(x))
      DSNK_STEP1(geluTanh, geluTanh(x))
      DSNK_STEP1(mish, mish(x))
      DSNK_STEP1(hardSwish, x * max(zero, min(one, fma(x, F32::set(1.0f / 6.0f), F32::set(0.5f)))))
      DSNK_STEP1(logicalNot, truth(equal(x, zero)))
      DSNK_STEP1(isNaN, truth(isNan(x)))
      DSNK_STEP2(add, x + z)
      DSNK_STEP2(sub, x - z)
      DSNK_STEP2(mul, x * z)
      DSNK_STEP2(div, x / z)
      DSNK_STEP2(mod, modOf(x, z))
      DSNK_STEP2(fmod, fmod(x, z))
      DSNK_STEP2(min, minNan(x, z))
      DSNK_STEP2(max, maxNan(x, z))
      DSNK_STEP2(leakyRelu, select(less(x, zero), z * x, x))
      DSNK_STEP2(elu, eluOf(x, z))
      DSNK_STEP2(celu, max(zero, x) + min(zero, z * expm1(x / z)))
      DSNK_STEP2(thresholdedRelu, select(lessEqual(x, z), zero, x))
      DSNK_STEP2(swish, timesSigmoid(x, z * x))
      DSNK_STEP2(equal, truth(equal(x, z)))
      DSNK_STEP2(less, truth(less(x, z)))
      DSNK_STEP2(lessOrEqual, truth(lessEqual(x, z)))
      DSNK_STEP2(logicalAnd, truth(isTrue(x) & isTrue(z)))
      DSNK_STEP2(logicalOr, truth(isTrue(x) | isTrue(z)))
      DSNK_STEP2(logicalXor, truth((isTrue(x) & !isTrue(z)) | (isTrue(z) & !isTrue(x))))
      DSNK_STEP3(clip, min(t, max(z, x)))
      DSNK_STEP3(selu, t * eluOf(x, z))
      DSNK_STEP3(shrink, select(less(x, neg(z)), x + t, select(less(z, x), x - t, select(isNan(x), x, zero))))
      DSNK_STEP3(hardSigmoid, max(zero, min(one, fma(z, x, t))))
      DSNK_STEP3(isInf, truth((equal(x, F32::set(-__builtin_inff())) & isTrue(z)) |
                              (equal(x, F32::set(__builtin_inff())) & isTrue(t))))
      DSNK_STEP3(where, select(isTrue(x), z, t))
      DSNK_STEP3(mulAdd, fma(x, z, t))
      case PointwiseOp::pow: return powStep(y, a, b, n), Fault::none;
      default: return Fault::invalidValue;  // integer operations, which verify refused
    }
#undef DSNK_STEP1
#undef DSNK_STEP2
#undef DSNK_STEP3
  }

  // The exponents that networks write are a multiplication or two.
  static void powStep(float* y, Operand<float> a, Operand<float> b, int64_t n) {
    if (b.splat && *b.at == 2.0f) return unary(y, a, n, [](F32 x) { return x * x; });
    if (b.splat && *b.at == 3.0f) return unary(y, a, n, [](F32 x) { return x * x * x; });
    if (b.splat && *b.at == 1.0f) return unary(y, a, n, [](F32 x) { return x; });
    binary(y, a, b, n, [](F32 x, F32 z) { return pow(x, z); });
  }
};
