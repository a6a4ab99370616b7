// Computes: y = f(x) for f of enum class Activation (lib/kernels/epilogue.ts): relu, clip(alpha, beta), leakyRelu(alpha),
//           silu, gelu … The file that includes this also includes kernels/epilogue/params.gen.h, before the region.
// Shapes:   a vector, or in Sweep rows of floats where they lie.
// Numerics: the bounds of simd/math.inl. NaN passes through every one of them: min(bound, x) and max(bound, x) return x
//           when it is NaN (vec.h).
// Tiling:   the kernel's that includes it; a sweep runs over what is in L1 still.
// Packing:  none.
// Source:   the ONNX definitions; the elementary functions say theirs in simd/math.inl.
#ifndef DSNK_ACTIVATION_INL
#define DSNK_ACTIVATION_INL
#include "simd/math.inl"

template <Activation kind>
DSNK_INLINE F32 activateAs(F32 x, F32 alpha, F32 beta) {
  const F32 zero = F32::zero(), one = F32::set(1.0f);
  if constexpr (kind == Activation::relu) return max(zero, x);
  if constexpr (kind == Activation::clip) return min(beta, max(alpha, x));
  if constexpr (kind == Activation::leakyRelu) return select(less(x, zero), alpha * x, x);
  if constexpr (kind == Activation::elu) return select(less(x, zero), alpha * expm1(x), x);
  if constexpr (kind == Activation::sigmoid) return sigmoid(x);
  if constexpr (kind == Activation::hardSigmoid) return max(zero, min(one, fma(alpha, x, beta)));
  if constexpr (kind == Activation::silu) return silu(x);
  if constexpr (kind == Activation::hardSwish) {
    return x * max(zero, min(one, fma(x, F32::set(1.0f / 6.0f), F32::set(0.5f))));
  }
  if constexpr (kind == Activation::tanh) return tanh(x);
  if constexpr (kind == Activation::gelu) return gelu(x);
  if constexpr (kind == Activation::geluTanh) return geluTanh(x);
  if constexpr (kind == Activation::softplus) return softplus(x);
  if constexpr (kind == Activation::mish) return mish(x);
  return x;
}

// Any kind, one switch per vector. Kernels whose inner loop ends in an activation use withActivation instead.
DSNK_INLINE F32 activate(F32 x, int32_t kind, F32 alpha, F32 beta) {
  switch (static_cast<Activation>(kind)) {
    case Activation::none: break;
    case Activation::relu: return activateAs<Activation::relu>(x, alpha, beta);
    case Activation::clip: return activateAs<Activation::clip>(x, alpha, beta);
    case Activation::leakyRelu: return activateAs<Activation::leakyRelu>(x, alpha, beta);
    case Activation::elu: return activateAs<Activation::elu>(x, alpha, beta);
    case Activation::sigmoid: return activateAs<Activation::sigmoid>(x, alpha, beta);
    case Activation::hardSigmoid: return activateAs<Activation::hardSigmoid>(x, alpha, beta);
    case Activation::silu: return activateAs<Activation::silu>(x, alpha, beta);
    case Activation::hardSwish: return activateAs<Activation::hardSwish>(x, alpha, beta);
    case Activation::tanh: return activateAs<Activation::tanh>(x, alpha, beta);
    case Activation::gelu: return activateAs<Activation::gelu>(x, alpha, beta);
    case Activation::geluTanh: return activateAs<Activation::geluTanh>(x, alpha, beta);
    case Activation::softplus: return activateAs<Activation::softplus>(x, alpha, beta);
    case Activation::mish: return activateAs<Activation::mish>(x, alpha, beta);
  }
  return x;
}
DSNK_INLINE F32 activate(F32 x, int32_t kind, float alpha, float beta) {
  return activate(x, kind, F32::set(alpha), F32::set(beta));
}

// Runs one activation over rows that were just stored and still lie in L1: row i begins pixel[i]·ldc (or i·ldc) from y.
// Its code exists once a kind, its temporaries spill no accumulators, and the stores and loads of this second sweep
// hide behind the arithmetic of all but the cheapest kinds.
struct Sweep {
  const int64_t* pixel;  // nullptr: one after the other
  int64_t ldc;
  int rows, columns;
  float alpha, beta;
};
template <Activation kind>
static void sweepAs(float* y, const Sweep& s) {
  const F32 alpha = F32::set(s.alpha), beta = F32::set(s.beta);
  for (int i = 0; i < s.rows; i++) {
    float* row = y + (s.pixel == nullptr ? i : s.pixel[i]) * s.ldc;
    int c = 0;
    for (; c + F32::lanes <= s.columns; c += F32::lanes) {
      activateAs<kind>(F32::load(row + c), alpha, beta).store(row + c);
    }
    const int rest = s.columns - c;
    if (rest > 0) activateAs<kind>(F32::loadFirst(row + c, rest), alpha, beta).storeFirst(row + c, rest);
  }
}
// For the kinds that are no clamp: `sweepOf(kind)(y, {…})`.
static inline auto sweepOf(int32_t kind) -> void (*)(float*, const Sweep&) {
  switch (static_cast<Activation>(kind)) {
    case Activation::leakyRelu: return sweepAs<Activation::leakyRelu>;
    case Activation::elu: return sweepAs<Activation::elu>;
    case Activation::sigmoid: return sweepAs<Activation::sigmoid>;
    case Activation::hardSigmoid: return sweepAs<Activation::hardSigmoid>;
    case Activation::silu: return sweepAs<Activation::silu>;
    case Activation::hardSwish: return sweepAs<Activation::hardSwish>;
    case Activation::tanh: return sweepAs<Activation::tanh>;
    case Activation::gelu: return sweepAs<Activation::gelu>;
    case Activation::geluTanh: return sweepAs<Activation::geluTanh>;
    case Activation::softplus: return sweepAs<Activation::softplus>;
    case Activation::mish: return sweepAs<Activation::mish>;
    default: return sweepAs<Activation::none>;
  }
}

// The loop-hoisting form:
//   withActivation(p.activation, p.alpha, p.beta, [&](auto act) { for (…) act(sum).store(y); });
// The body is compiled once per cheap kind, without any branch, and once for all others, whose own arithmetic hides
// the switch.
template <Activation kind>
struct ActivationOf {
  F32 alpha, beta;
  inline F32 operator()(F32 x) const { return activateAs<kind>(x, alpha, beta); }
};
struct AnyActivation {
  F32 alpha, beta;
  int32_t kind;
  // Out of line on purpose: the fourteen bodies exist once per file, and their temporaries do not spill the caller's.
  __attribute__((noinline)) F32 operator()(F32 x) const { return activate(x, kind, alpha, beta); }
};
template <class Body>
DSNK_INLINE void withActivation(int32_t kind, float alpha, float beta, Body&& body) {
  const F32 a = F32::set(alpha), b = F32::set(beta);
  switch (static_cast<Activation>(kind)) {
    case Activation::none: return body(ActivationOf<Activation::none>{a, b});
    case Activation::relu: return body(ActivationOf<Activation::relu>{a, b});
    case Activation::clip: return body(ActivationOf<Activation::clip>{a, b});
    default: return body(AnyActivation{a, b, kind});
  }
}
#endif
