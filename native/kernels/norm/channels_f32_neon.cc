// Computes  moments: mean[c] = Σx/N, variance[c] = Σ(x - mean)²/N; channel_norm: y = (x - mean[c])·factor[c] + bias[c]
//           with factor = scale/√(variance + ε) or scale/(√variance + ε)
// Shapes    x, y: [outer, channels, inner]; everything else: [channels]
// Numerics  sums as reduce/fold.inl, two sweeps; the same bits on every ISA
// Tiling    channels, or strips of 64 where they are innermost; channel_norm: rows of `inner` or of all channels
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
#include "kernels/reduce/strip.inl"
// in this order
#include "kernels/norm/channels.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault moments_f32_neon(const Work& w) { return neon::moments(w); }
Fault channel_norm_f32_neon(const Work& w) { return neon::channelNorm(w); }
}  // namespace dsnk
#endif
