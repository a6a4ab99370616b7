// strided_copy with blocks of 16 input columns by 8 rows transposed in AVX2 registers: a 64-byte line of x is used
// whole.
#if defined(__x86_64__)
#include "kernels/strided/strided_copy.h"
#include "simd/avx2-begin.h"
#include "kernels/strided/squares.inl"
// in this order
#include "kernels/strided/shuffle-bytes.inl"
#include "kernels/strided/shuffle-words.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault strided_copy_avx2(const Work& w) {
  static constexpr TransposeBlocks blocks{avx2::transposeBytes, avx2::transposeSquares<uint16_t, 8, avx2::transpose8x8>,
                                          avx2::transposeWords, avx2::transposeSquares<uint64_t, 4, avx2::transpose4x4>,
                                          transposeBlockPlain<Bytes16>};
  return stridedCopy(w, blocks);
}

}  // namespace dsnk
#endif
