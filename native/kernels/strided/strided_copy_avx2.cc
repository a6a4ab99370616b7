// strided_copy with blocks of 16 input columns by 8 rows transposed in AVX2 registers: a 64-byte line of x is used
// whole.
#if defined(__x86_64__)
#include "kernels/strided/strided_copy.h"
#include "simd/avx2-begin.h"
#include "kernels/strided/shuffle-bytes.inl"

// y[i·ys + j] = x[i + j·xs] for a block of 8x8 elements of 4 bytes.
DSNK_INLINE void transposeOctets(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys) {
  __m256 r[8], t[8];
  for (int j = 0; j < 8; j++) r[j] = _mm256_loadu_ps(reinterpret_cast<const float*>(x + j * xs));
  for (int j = 0; j < 8; j += 2) {
    t[j] = _mm256_unpacklo_ps(r[j], r[j + 1]);
    t[j + 1] = _mm256_unpackhi_ps(r[j], r[j + 1]);
  }
  // r[4g + k]: per 128-bit half, column k (and k + 4) of rows 4g … 4g+3
  for (int g = 0; g < 8; g += 4) {
    r[g] = _mm256_shuffle_ps(t[g], t[g + 2], 0x44);
    r[g + 1] = _mm256_shuffle_ps(t[g], t[g + 2], 0xee);
    r[g + 2] = _mm256_shuffle_ps(t[g + 1], t[g + 3], 0x44);
    r[g + 3] = _mm256_shuffle_ps(t[g + 1], t[g + 3], 0xee);
  }
  for (int k = 0; k < 4; k++) {
    _mm256_storeu_ps(reinterpret_cast<float*>(y + k * ys), _mm256_permute2f128_ps(r[k], r[k + 4], 0x20));
    _mm256_storeu_ps(reinterpret_cast<float*>(y + (k + 4) * ys), _mm256_permute2f128_ps(r[k], r[k + 4], 0x31));
  }
}

static void transposeWords(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys, int64_t rows, int64_t columns) {
  const int64_t pairs = rows / 16 * 16, wholeColumns = columns / 8 * 8;
  for (int64_t i = 0; i < pairs; i += 16) {
    for (int64_t j = 0; j < wholeColumns; j += 8) {
      transposeOctets(x + i + j * xs, xs, y + i * ys + j, ys);
      transposeOctets(x + i + 8 + j * xs, xs, y + (i + 8) * ys + j, ys);
    }
    for (int64_t k = i; k < i + 16; k++)
      for (int64_t j = wholeColumns; j < columns; j++) y[k * ys + j] = x[k + j * xs];
  }
  transposeSquares<uint32_t, 8, transposeOctets>(x + pairs, xs, y + pairs * ys, ys, rows - pairs, columns);
}

#include "simd/avx2-end.h"

namespace dsnk {

Fault strided_copy_avx2(const Work& w) {
  static constexpr TransposeBlocks blocks{avx2::transposeSquares<uint8_t, 16, avx2::transpose16x16>,
                                          avx2::transposeSquares<uint16_t, 8, avx2::transpose8x8>, avx2::transposeWords,
                                          avx2::transposeSquares<uint64_t, 4, avx2::transpose4x4>,
                                          transposeBlockPlain<Bytes16>};
  return stridedCopy(w, blocks);
}

}  // namespace dsnk
#endif
