// strided_copy with blocks of 16x16 bytes, 8x8 halves, 4x4 words or 2x2 double words transposed in NEON registers.
#if defined(__ARM_NEON)
#include "kernels/strided/strided_copy.h"
#include "simd/neon-begin.h"
#include "kernels/strided/squares.inl"
// in this order
#include "kernels/strided/shuffle-neon.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault strided_copy_neon(const Work& w) {
  static constexpr TransposeBlocks blocks{neon::transposeAny, neon::transposeAny, neon::transposeAny,
                                          neon::transposeSquares<uint64_t, 2, neon::square>,
                                          transposeBlockPlain<Bytes16>};
  return stridedCopy(w, blocks);
}

}  // namespace dsnk
#endif
