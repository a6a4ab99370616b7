// Elementary functions on F32, for use inside an ISA region after its begin header: #include "simd/math.inl".
//
// Numerics  Errors are in units in the last place of the true result, over all finite arguments, as measured by
//           test/kernels/math.test.ts against float64 (bounds rounded up):
//             exp 1 · expm1 2 · log 1 · log1p 1 · tanh 3 · sigmoid 3 · erf 1 · softplus 2 · sin cos 2 · tan 4 ·
//             asin 3 · acos 2 · atan 2 · sinh cosh 2 · asinh acosh atanh 2
//           gelu geluTanh silu mish: 2e-7·max(1, |x|) absolute (the negative tail of gelu cancels).
//           NaN gives NaN, poles and infinities give what <cmath> gives, denormal arguments and results are exact to
//           the same bounds, the sign of zero is kept by odd functions.
// Source    Own range reductions and minimax polynomials: each coefficient list was fitted to its interval by
//           iteratively reweighted least squares on Chebyshev nodes, leading coefficients rounded to float first.
//           Cody & Waite, Software Manual for the Elementary Functions (1980), for the two-part ln 2 and pi/2.
//
// The scalar region takes the functions of <cmath>: they are the definition.
#ifndef DSNK_MATH_INL
#define DSNK_MATH_INL
#if defined(DSNK_SCALAR_REGION)
#include "simd/math-scalar.inl"
#else
#include "simd/math-vector.inl"
#endif

// The same composition of the above everywhere.
// x/2·(1 + tanh u) is x·sigmoid(2u): one exponential, and nothing cancels.
DSNK_INLINE F32 geluTanh(F32 x) {
  return timesSigmoid(x, F32::set(2 * 0.7978845608028654f) * fma(F32::set(0.044715f) * x * x, x, x));
}
// tanh(log(1+e)) with e = exp(x) is e(e+2)/(e(e+2)+2): one exponential, no logarithm. Above 20 it is 1.
DSNK_INLINE F32 mish(F32 x) {
  const F32 e = exp(min(F32::set(20.0f), x));
  const F32 n = e * (e + F32::set(2.0f));
  return x * (n / (n + F32::set(2.0f)));
}
#endif
