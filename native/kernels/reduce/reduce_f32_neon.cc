// Computes  y[k] = finish(Σ or max or min or Π over r of map(x[k, r])), kinds of Reduction (NaN passes max and min)
// Shapes    x: rank ≤ 8, row-major; y: the kept dimensions. Any set of dimensions, nothing is transposed
// Numerics  float32 in blocks of 32 per lane, blocks joined in double (rows) or by two-sum (columns): sums err by at
//           most 40·2⁻²⁴·Σ|map(x)| + n·2⁻⁵¹·Σ|map(x)| on every ISA; the same bits on every ISA but for logSumExp (its
//           exp)
// Tiling    64 virtual lanes: 16 accumulators of 4;
//           a tile is whole outputs (rows) or strips of 64 columns, never a part of a sum
// Packing   none
// Source    two-sum: D. E. Knuth, The Art of Computer Programming vol. 2, 4.2.2 theorem B
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/reduce/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/math.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/reduce/strip.inl"
// in this order
#include "kernels/reduce/reduce.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault reduce_f32_neon(const Work& w) { return neon::reduce(w); }
}  // namespace dsnk
#endif
