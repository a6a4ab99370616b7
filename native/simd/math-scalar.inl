// The definitions: see math.inl.
DSNK_INLINE F32 exp(F32 x) { return {std::exp(x.v)}; }
DSNK_INLINE F32 expm1(F32 x) { return {std::expm1(x.v)}; }
DSNK_INLINE F32 log(F32 x) { return {std::log(x.v)}; }
DSNK_INLINE F32 log1p(F32 x) { return {std::log1p(x.v)}; }
DSNK_INLINE F32 tanh(F32 x) { return {std::tanh(x.v)}; }
DSNK_INLINE F32 erf(F32 x) { return {std::erf(x.v)}; }
DSNK_INLINE F32 gelu(F32 x) { return {0.5f * x.v * (1.0f + std::erf(x.v * 0.70710678118654752440f))}; }
DSNK_INLINE F32 sigmoid(F32 x) {
  const float e = std::exp(-std::fabs(x.v));
  return {(x.v < 0 ? e : 1.0f) / (1.0f + e)};
}
DSNK_INLINE F32 timesSigmoid(F32 x, F32 t) { return {x.v * sigmoid(t).v}; }
DSNK_INLINE F32 silu(F32 x) { return timesSigmoid(x, x); }
DSNK_INLINE F32 softplus(F32 x) { return {(x.v < 0 ? 0.0f : x.v) + std::log1p(std::exp(-std::fabs(x.v)))}; }
DSNK_INLINE F32 sin(F32 x) { return {std::sin(x.v)}; }
DSNK_INLINE F32 cos(F32 x) { return {std::cos(x.v)}; }
DSNK_INLINE F32 tan(F32 x) { return {std::tan(x.v)}; }
DSNK_INLINE F32 asin(F32 x) { return {std::asin(x.v)}; }
DSNK_INLINE F32 acos(F32 x) { return {std::acos(x.v)}; }
DSNK_INLINE F32 atan(F32 x) { return {std::atan(x.v)}; }
DSNK_INLINE F32 sinh(F32 x) { return {std::sinh(x.v)}; }
DSNK_INLINE F32 cosh(F32 x) { return {std::cosh(x.v)}; }
DSNK_INLINE F32 asinh(F32 x) { return {std::asinh(x.v)}; }
DSNK_INLINE F32 acosh(F32 x) { return {std::acosh(x.v)}; }
DSNK_INLINE F32 atanh(F32 x) { return {std::atanh(x.v)}; }
DSNK_INLINE F32 pow(F32 x, F32 y) { return {std::pow(x.v, y.v)}; }
DSNK_INLINE F32 fmod(F32 x, F32 y) { return {std::fmod(x.v, y.v)}; }
