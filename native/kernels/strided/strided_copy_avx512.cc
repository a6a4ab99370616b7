// strided_copy with 16x16 blocks of 4-byte elements transposed in AVX-512 registers, the rest in narrower ones.
#if defined(__x86_64__)
#include "kernels/strided/strided_copy.h"
#include "simd/avx512-begin.h"
#include "kernels/strided/squares.inl"
// in this order
#include "kernels/strided/shuffle-bytes.inl"
#include "kernels/strided/shuffle-words.inl"

// Elements 4g … 4g+3 of rows k, k + 4, k + 8 and k + 12, one row per 128-bit lane.
DSNK_INLINE __m512 quarters(const uint32_t* x, int64_t xs) {
  const float* from = reinterpret_cast<const float*>(x);
  const __m256 low = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), _mm_loadu_ps(from + 4 * xs), 1);
  const __m256 high =
      _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + 8 * xs)), _mm_loadu_ps(from + 12 * xs), 1);
  return _mm512_maskz_insertf32x8(0xffff, _mm512_castps256_ps512(low), high, 1);
}

// The zero-masking forms, all lanes kept: GCC 12 warns of an uninitialised operand in the plain ones.
template <int kControl>
DSNK_INLINE __m512 shuffleWithin(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_ps(0xffff, a, b, kControl);
}

// y[i·ys + j] = x[i + j·xs] for a block of 16x16.
DSNK_INLINE void transposeSixteen(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys) {
  DSNK_UNROLL
  for (int g = 0; g < 16; g += 4) {
    const __m512 a = quarters(x + g, xs), b = quarters(x + g + xs, xs);
    const __m512 c = quarters(x + g + 2 * xs, xs), d = quarters(x + g + 3 * xs, xs);
    const __m512 ab = _mm512_maskz_unpacklo_ps(0xffff, a, b), AB = _mm512_maskz_unpackhi_ps(0xffff, a, b);
    const __m512 cd = _mm512_maskz_unpacklo_ps(0xffff, c, d), CD = _mm512_maskz_unpackhi_ps(0xffff, c, d);
    uint32_t* to = y + g * ys;
    _mm512_storeu_ps(to, shuffleWithin<0x44>(ab, cd));
    _mm512_storeu_ps(to + ys, shuffleWithin<0xee>(ab, cd));
    _mm512_storeu_ps(to + 2 * ys, shuffleWithin<0x44>(AB, CD));
    _mm512_storeu_ps(to + 3 * ys, shuffleWithin<0xee>(AB, CD));
  }
}

// Whole blocks of 16, then octets. Masks for the ragged edges lost: 205 us instead of 93 us for 3x224x224 to NHWC on
// Zen 4, where a masked store of a few elements costs several whole ones.
static void transposeSixteens(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys, int64_t rows, int64_t columns) {
  const int64_t wholeRows = rows / 16 * 16, wholeColumns = columns / 16 * 16;
  if (wholeRows == 0 || wholeColumns == 0) return transposeWords(x, xs, y, ys, rows, columns);
  for (int64_t i = 0; i < wholeRows; i += 16)
    for (int64_t j = 0; j < wholeColumns; j += 16) transposeSixteen(x + i + j * xs, xs, y + i * ys + j, ys);
  if (wholeColumns < columns)
    transposeWords(x + wholeColumns * xs, xs, y + wholeColumns, ys, wholeRows, columns - wholeColumns);
  if (wholeRows < rows) transposeWords(x + wholeRows, xs, y + wholeRows * ys, ys, rows - wholeRows, columns);
}

#include "simd/avx512-end.h"

namespace dsnk {

Fault strided_copy_avx512(const Work& w) {
  static constexpr TransposeBlocks blocks{
      avx512::transposeBytes, avx512::transposeSquares<uint16_t, 8, avx512::transpose8x8>, avx512::transposeSixteens,
      avx512::transposeSquares<uint64_t, 4, avx512::transpose4x4>, transposeBlockPlain<Bytes16>};
  return stridedCopy(w, blocks);
}

}  // namespace dsnk
#endif
