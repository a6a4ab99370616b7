// Of two vectors of w bytes, in each of so many rows, those that `picks` say, 8 of each 16: lane by lane, first those of the
// first vector.
constexpr int64_t kPickBytes = 32;
DSNK_INLINE __m256i loadPick32(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
DSNK_INLINE __m128i loadPick16(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
template <int64_t w>
DSNK_INLINE void pickRows(const uint8_t* from, int64_t fromRow, int rows, const uint8_t* picks, uint8_t* to,
                          int64_t toRow) {
  if constexpr (w == 32) {
    const __m256i at = loadPick32(picks);
    _Pragma("GCC unroll 2") for (int r = 0; r < rows; r++, from += fromRow, to += toRow) {
      const __m256i first = _mm256_shuffle_epi8(loadPick32(from), at),
                    second = _mm256_shuffle_epi8(loadPick32(from + 32), at);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_blend_epi32(first, second, 0xcc));
    }
  } else {
    const __m128i at = loadPick16(picks);
    _Pragma("GCC unroll 2") for (int r = 0; r < rows; r++, from += fromRow, to += toRow) {
      const __m128i first = _mm_shuffle_epi8(loadPick16(from), at),
                    second = _mm_shuffle_epi8(loadPick16(from + 16), at);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_blend_epi32(first, second, 0xc));
    }
  }
}
