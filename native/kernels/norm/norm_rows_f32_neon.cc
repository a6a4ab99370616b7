// Computes  y[r,i] = (s[r,i] - mean[r])·inverse[r]·scale + bias with s = x + skip + skipBias, inverse = 1/√(variance +
//           ε); rms: mean 0, inverse = 1/√(Σs²/n + ε)
// Shapes    x, y, sum: [rows, n]; skip: [skipRows, n]; skipBias: [n]; scale, bias: [period, n/segment]; mean, inverse:
//           [rows]
// Numerics  mean and variance from block sums joined in double (reduce/fold.inl), two sweeps: no cancellation of
//           squares. The mean errs by 40·2⁻²⁴·Σ|s|/n, the inverse relatively by 24·2⁻²⁴; the same bits on every ISA
// Tiling    whole rows, up to eight together (4096 floats), swept three times from L1/L2: one row alone waits for its
//           sums and its root most of the time
// Packing   none
// Source    none
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/sweep.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/norm/norm_rows.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault norm_rows_f32_neon(const Work& w) { return neon::normRows(w); }
}  // namespace dsnk
#endif
