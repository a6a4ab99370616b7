// Computes: y = min(high, max(low, t)), which is what none, relu and clip do to a finished sum. Every other activation
//           runs over the rows just stored (activation.inl, Sweep).
// Shapes:   t[R][C], a tile of vectors in registers.
// Numerics: bit-equal; NaN passes.
// Tiling:   that of the kernel.
// Packing:  none.
// Source:   the project's own.
#ifndef DSNK_CLAMP_INL
#define DSNK_CLAMP_INL
#include "kernels/epilogue/activation.inl"

struct Clamp {
  F32 low, high;
  bool lower, upper;  // which of them do something: on Zen 4 either costs as much as a multiply-add
  Clamp(int32_t activation, float alpha, float beta) {
    const bool clip = activation == static_cast<int32_t>(Activation::clip);
    const bool relu = activation == static_cast<int32_t>(Activation::relu);
    low = F32::set(clip ? alpha : relu ? 0.0f : -__builtin_inff());
    high = F32::set(clip ? beta : __builtin_inff());
    lower = clip || relu;
    upper = clip;
  }
  // The order of the operands lets NaN pass.
  __attribute__((always_inline)) inline F32 operator()(F32 x) const { return min(high, max(low, x)); }
  // A tile in registers.
  template <int R, int C>
  __attribute__((always_inline)) inline void operator()(F32 (&t)[R][C]) const {
    if (upper) {
      _Pragma("GCC unroll 32") for (int r = 0; r < R; r++) {
        _Pragma("GCC unroll 32") for (int c = 0; c < C; c++) t[r][c] = (*this)(t[r][c]);
      }
    } else if (lower) {
      _Pragma("GCC unroll 32") for (int r = 0; r < R; r++) {
        _Pragma("GCC unroll 32") for (int c = 0; c < C; c++) t[r][c] = max(low, t[r][c]);
      }
    }
  }
};

static inline bool isClamp(int32_t activation) { return activation <= static_cast<int32_t>(Activation::clip); }
#endif
