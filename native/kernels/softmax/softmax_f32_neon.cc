// Computes  softmax y = e^(x-m)/Σe^(x-m), logSoftmax y = x-m-log Σe^(x-m), hardmax y = [x is the first m]; m = max x
// Shapes    y, x: [outer, n, inner], along n; y may be x
// Numerics  float32, exp of 1 ulp, sums as in reduce/fold.inl; relative error of a probability at most 45 u (u = 2⁻²⁴)
//           plus u·|x-m| from rounding x-m; a NaN or +∞ in a row gives NaN, a row of -∞ too
// Tiling    a row is swept three times, the second and third from L1/L2; columns go in strips of 64
// Packing   none
// Source    none
#if defined(__ARM_NEON)
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/reduce/shape.h"
#include "kernels/softmax/params.gen.h"
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
#include "kernels/softmax/softmax.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault softmax_f32_neon(const Work& w) { return neon::softmax(w); }
}  // namespace dsnk
#endif
