// Bytes widened to 16 bits, two to a word, for AVX2: VPMADDWD adds two products without rounding or saturating, which
// VPMADDUBSW on bytes does not (255·127·2 > 32767). It takes two instructions for 16 products; the way over signs and
// magnitudes takes four for 32, and fails for weights of -128.
struct Widened {
  using Source = uint8_t;
  using Stored = uint16_t;
  static constexpr bool sameStored = false;
  static void convert(const uint8_t* from, int64_t n, uint16_t* to) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_cvtepu8_epi16(bytes));
    }
    for (; i < n; i++) to[i] = from[i];
  }
};

DSNK_INLINE void accumulate(F32& acc, F32 a, F32 b) {
  F32 pairs;
  asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(acc.v), "=&x"(pairs.v) : "x"(a.v), "x"(b.v));
}
