// Computes  arg_reduce: the index of the extreme, first or last of equals, NaN the extreme of all; topk: the k best
//           with their indices, best first, of equals the lower index first, NaN the largest number
// Shapes    x: [outer, n, inner], along n; indices int64: [outer, inner] or [outer, k, inner]
// Numerics  bit-equal
// Tiling    arg_reduce: rows by blocks of 64, or a vector of columns; topk: a heap of k entries per row, and 64
//           elements compared with its worst at once. O(n + n·log k) whatever the contents
// Packing   none
// Source    none
#if defined(__ARM_NEON)
#include "kernels/axis.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/reduce/shape.h"
#include "kernels/select/params.gen.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/sweep.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/select/select.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault arg_reduce_f32_neon(const Work& w) { return neon::argReduce(w); }
Fault topk_f32_neon(const Work& w) { return neon::topk(w); }
}  // namespace dsnk
#endif
