// strided_copy with 16x16 blocks of 4-byte elements transposed in AVX-512 registers; masks take the ragged edges.
#if defined(__x86_64__)
#include "kernels/strided/strided_copy.h"
#include "simd/avx512-begin.h"
#include "kernels/strided/shuffle-bytes.inl"

DSNK_INLINE __mmask16 firstOf(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1 << n) - 1); }

// The zero-masking forms, all lanes kept: GCC 12 warns of an uninitialised operand in the plain ones.
template <int kControl>
DSNK_INLINE __m512 shuffleLanes(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_f32x4(0xffff, a, b, kControl);
}
template <int kControl>
DSNK_INLINE __m512 shuffleWithin(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_ps(0xffff, a, b, kControl);
}

// y[i·ys + j] = x[i + j·xs] for i < rows ≤ 16, j < columns ≤ 16.
template <bool kWhole>
DSNK_INLINE void transposeSixteen(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys, int64_t rows,
                                  int64_t columns) {
  __m512 r[16], t[16];
  const __mmask16 inRow = firstOf(rows), inColumn = firstOf(columns);
  for (int j = 0; j < 16; j++) {
    if (kWhole)
      r[j] = _mm512_loadu_ps(x + j * xs);
    else
      r[j] = j < columns ? _mm512_maskz_loadu_ps(inRow, x + j * xs) : _mm512_setzero_ps();
  }
  for (int j = 0; j < 16; j += 2) {
    t[j] = _mm512_maskz_unpacklo_ps(0xffff, r[j], r[j + 1]);
    t[j + 1] = _mm512_maskz_unpackhi_ps(0xffff, r[j], r[j + 1]);
  }
  // r[4g + k]: in 128-bit lane L, column 4L + k of rows 4g … 4g+3
  for (int g = 0; g < 16; g += 4) {
    r[g] = shuffleWithin<0x44>(t[g], t[g + 2]);
    r[g + 1] = shuffleWithin<0xee>(t[g], t[g + 2]);
    r[g + 2] = shuffleWithin<0x44>(t[g + 1], t[g + 3]);
    r[g + 3] = shuffleWithin<0xee>(t[g + 1], t[g + 3]);
  }
  for (int k = 0; k < 4; k++) {
    const __m512 evenLow = shuffleLanes<0x88>(r[k], r[k + 4]);
    const __m512 oddLow = shuffleLanes<0xdd>(r[k], r[k + 4]);
    const __m512 evenHigh = shuffleLanes<0x88>(r[k + 8], r[k + 12]);
    const __m512 oddHigh = shuffleLanes<0xdd>(r[k + 8], r[k + 12]);
    t[k] = shuffleLanes<0x88>(evenLow, evenHigh);
    t[k + 4] = shuffleLanes<0x88>(oddLow, oddHigh);
    t[k + 8] = shuffleLanes<0xdd>(evenLow, evenHigh);
    t[k + 12] = shuffleLanes<0xdd>(oddLow, oddHigh);
  }
  for (int i = 0; i < 16; i++) {
    if (kWhole)
      _mm512_storeu_ps(y + i * ys, t[i]);
    else if (i < rows)
      _mm512_mask_storeu_ps(y + i * ys, inColumn, t[i]);
  }
}

static void transposeWords(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i += 16) {
    for (int64_t j = 0; j < columns; j += 16) {
      const int64_t m = rows - i < 16 ? rows - i : 16, n = columns - j < 16 ? columns - j : 16;
      if (m == 16 && n == 16)
        transposeSixteen<true>(x + i + j * xs, xs, y + i * ys + j, ys, 16, 16);
      else
        transposeSixteen<false>(x + i + j * xs, xs, y + i * ys + j, ys, m, n);
    }
  }
}

#include "simd/avx512-end.h"

namespace dsnk {

Fault strided_copy_avx512(const Work& w) {
  static constexpr TransposeBlocks blocks{
      avx512::transposeSquares<uint8_t, 16, avx512::transpose16x16>,
      avx512::transposeSquares<uint16_t, 8, avx512::transpose8x8>, avx512::transposeWords,
      avx512::transposeSquares<uint64_t, 4, avx512::transpose4x4>, transposeBlockPlain<Bytes16>};
  return stridedCopy(w, blocks);
}

}  // namespace dsnk
#endif
