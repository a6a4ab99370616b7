// Computes  y[i] = Σ x[0…i] or Π x[0…i] along n; exclusive: without x[i]; reverse: from the end
// Shapes    y, x: [outer, n, inner]; y may be x
// Numerics  sums carry the rounding of each addition along (two-sum): |error| ≤ u·|y| + n²·u²·Σ|x|, u = 2⁻²⁴; products
//           round once a factor. The same bits on every ISA
// Tiling    512 columns at a time, row by row (strip.h); a single row is a chain of additions, 4 cycles each, on any
//           ISA. A vector of columns from top to bottom lost a factor 4 to 20 where rows lie 2 KB apart: no prefetch
// Packing   none
// Source    two-sum: D. E. Knuth, The Art of Computer Programming vol. 2, 4.2.2 theorem B
#if defined(__ARM_NEON)
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/scan/params.gen.h"
#include "kernels/scan/strip.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/sweep.inl"
// in this order
#include "kernels/scan/scan.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault scan_f32_neon(const Work& w) { return neon::scan(w); }
}  // namespace dsnk
#endif
