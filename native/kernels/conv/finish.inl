// The end of a convolution's sum. none, relu and clip are one clamp, done in registers. Every other activation runs
// over the row just stored, which still lies in L1: its code then exists once, and its temporaries spill no
// accumulators.
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

__attribute__((noinline)) static void activateRow(float* y, int64_t n, int32_t activation, float alpha, float beta) {
  int64_t c = 0;
  for (; c + F32::lanes <= n; c += F32::lanes) activate(F32::load(y + c), activation, alpha, beta).store(y + c);
  if (c < n) {
    const int rest = static_cast<int>(n - c);
    activate(F32::loadFirst(y + c, rest), activation, alpha, beta).storeFirst(y + c, rest);
  }
}
#endif
