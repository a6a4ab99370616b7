// The end of a convolution's sum. none, relu and clip are one clamp, done in registers. Every other activation runs
// over the rows just stored (activation.inl, Sweep).
#ifndef DSNK_CONV_FINISH_INL
#define DSNK_CONV_FINISH_INL
#include "kernels/epilogue/activation.inl"

struct Clamp {
  F32 low, high;
  Clamp(int32_t activation, float alpha, float beta) {
    const bool clip = activation == static_cast<int32_t>(Activation::clip);
    const bool relu = activation == static_cast<int32_t>(Activation::relu);
    low = F32::set(clip ? alpha : relu ? 0.0f : -__builtin_inff());
    high = F32::set(clip ? beta : __builtin_inff());
  }
  // The order of the operands lets NaN pass.
  __attribute__((always_inline)) inline F32 operator()(F32 x) const { return min(high, max(low, x)); }
};

static inline bool isClamp(int32_t activation) { return activation <= static_cast<int32_t>(Activation::clip); }
#endif
