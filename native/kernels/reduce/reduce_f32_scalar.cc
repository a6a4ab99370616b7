// Computes  y[k] = finish(Σ or max or min or Π over r of map(x[k, r])), kinds of Reduction (NaN passes max and min)
// Shapes    x: rank ≤ 8, row-major; y: the kept dimensions. Any set of dimensions, nothing is transposed
// Numerics  float32 in blocks of 32 per lane, blocks joined in double (rows) or by two-sum (columns): sums err by at
//           most 40·2⁻²⁴·Σ|map(x)| + n·2⁻⁵¹·Σ|map(x)| on every ISA; the same bits on every ISA but for logSumExp (its
//           exp)
// Tiling    64 virtual lanes: 4 zmm or 8 ymm accumulators hide the 4-cycle addition and leave registers for loads;
//           a tile is whole outputs (rows) or strips of 64 columns, never a part of a sum
// Packing   none
// Source    two-sum: D. E. Knuth, The Art of Computer Programming vol. 2, 4.2.2 theorem B
#include "kernels/kernel.h"
#include "kernels/reduce/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"
#include "simd/vec.h"

#include "simd/scalar-begin.h"
#include "simd/math.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/reduce/strip.inl"
// in this order
#include "kernels/reduce/reduce.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault reduce_f32_scalar(const Work& w) { return scalar::reduce(w); }
}  // namespace dsnk
