// Computes  lp_norm: y = x/(Σ|x|^p)^(1/p) along n; lrn: y = x·(bias + alpha/size·Σx²)^-beta, Σ over a window of
//           channels
// Shapes    y, x: [outer, n, inner]
// Numerics  sums as reduce/fold.inl; lrn: fma over the window, power by two square roots (beta 0.75) or exp(log): a few
//           ulp
// Tiling    rows, or strips of 64 columns; lrn reads each window again from L1/L2
// Packing   none
// Source    none
#if defined(__ARM_NEON)
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/reduce/shape.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/math.inl"
// in this order
#include "simd/sweep.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/reduce/strip.inl"
// in this order
#include "kernels/norm/axis_norm.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault lp_norm_f32_neon(const Work& w) { return neon::lpNorm(w); }
Fault lrn_f32_neon(const Work& w) { return neon::lrn(w); }
}  // namespace dsnk
#endif
