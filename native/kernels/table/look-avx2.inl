// Sixteen looks into 16 entries for 32 bytes. VPSHUFB gives zero where the top bit of an index is set: going down by 16
// with saturation, an index is there from the row on that holds it, and rows that hold the difference to the row before
// leave the last one that counts. Both halves of the table begin anew.

struct Rows {
  __m256i row[16];  // less the row before, within each half
  explicit Rows(const uint8_t* table) {
    __m256i before = _mm256_setzero_si256();
    for (int i = 0; i < 16; i++) {
      const __m256i own =
          _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * i)));
      row[i] = i % 8 == 0 ? own : _mm256_xor_si256(own, before);
      before = own;
    }
  }
  template <int first>
  inline __attribute__((always_inline)) __m256i half(__m256i x) const {
    const __m256i step = _mm256_set1_epi8(16);
    __m256i y = _mm256_shuffle_epi8(row[first], x);
    _Pragma("GCC unroll 8") for (int i = 1; i < 8; i++) {
      x = _mm256_subs_epi8(x, step);
      y = _mm256_xor_si256(y, _mm256_shuffle_epi8(row[first + i], x));
    }
    return y;
  }
  inline __attribute__((always_inline)) __m256i look(__m256i x) const {
    return _mm256_or_si256(half<0>(x), half<8>(_mm256_xor_si256(x, _mm256_set1_epi8(-128))));
  }
};

static void lookUp(const uint8_t* x, uint8_t* y, const uint8_t* table, int64_t n) {
  const Rows rows(table);
  for (; n >= 32; n -= 32, x += 32, y += 32) {
    const __m256i v = rows.look(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), v);
  }
  for (; n > 0; n--) *y++ = table[*x++];
}
