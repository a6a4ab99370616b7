// Bytes of taps interleaved to quads in AVX-512: 64 channels at a time, or 32 where a block has no more. Zen 4 takes
// those in half the time.

#define DSNK_DOT(acc, x, w) asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "m"(w))

struct Lanes64 {
  static constexpr int channels = 64, group = 4;
  static constexpr int64_t distance = 16;  // words from vector to vector of a block
  static constexpr bool columns = true;
  __m512i v;

  template <bool whole>
  static inline __attribute__((always_inline)) Lanes64 load(const uint8_t* p, int n) {
    if constexpr (whole) return {_mm512_loadu_si512(p)};
    return {_mm512_maskz_loadu_epi8(_bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n)), p)};
  }
  static inline __attribute__((always_inline)) Lanes64 splat(uint8_t x) {
    return {_mm512_set1_epi8(static_cast<char>(x))};
  }
  static inline __attribute__((always_inline)) Lanes64 loadWords(const std::byte* p) { return {_mm512_loadu_si512(p)}; }
  static inline __attribute__((always_inline)) void interleave(Lanes64 a, Lanes64 b, Lanes64 c, Lanes64 d,
                                                               Lanes64 (&x)[4]) {
    const __m512i abLow = _mm512_unpacklo_epi8(a.v, b.v), abHigh = _mm512_unpackhi_epi8(a.v, b.v);
    const __m512i cdLow = _mm512_unpacklo_epi8(c.v, d.v), cdHigh = _mm512_unpackhi_epi8(c.v, d.v);
    x[0].v = _mm512_unpacklo_epi16(abLow, cdLow);
    x[1].v = _mm512_unpackhi_epi16(abLow, cdLow);
    x[2].v = _mm512_unpacklo_epi16(abHigh, cdHigh);
    x[3].v = _mm512_unpackhi_epi16(abHigh, cdHigh);
  }
  // One tap four times: the weights of three are zeros.
  static inline __attribute__((always_inline)) void spreadOut(Lanes64 a, Lanes64 (&x)[4]) {
    const __m512i low = _mm512_unpacklo_epi8(a.v, a.v), high = _mm512_unpackhi_epi8(a.v, a.v);
    x[0].v = _mm512_unpacklo_epi16(low, low);
    x[1].v = _mm512_unpackhi_epi16(low, low);
    x[2].v = _mm512_unpacklo_epi16(high, high);
    x[3].v = _mm512_unpackhi_epi16(high, high);
  }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes64 x, Lanes64 w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(v) : "v"(x.v), "v"(w.v));
  }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes64 x, const std::byte* w) {
    DSNK_DOT(v, x.v, *reinterpret_cast<const __m512i_u*>(w));
  }
  static inline __attribute__((always_inline)) Lanes64 bytesOf(const Lanes64 (&t)[4], const float* m,
                                                               const ByteRange& range) {
    __m512i r[4];
    DSNK_UNROLL for (int j = 0; j < 4; j++) { r[j] = roundBytes(toF32(I32{t[j].v}) * F32::load(m + j * distance)).v; }
    return {packedBytes(r[0], r[1], r[2], r[3], range)};
  }
  template <bool whole>
  inline __attribute__((always_inline)) void store(uint8_t* p, int n) const {
    if constexpr (whole) {
      _mm512_storeu_si512(p, v);
    } else {
      _mm512_mask_storeu_epi8(p, _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n)), v);
    }
  }
  static void spread(const Lanes64 (&t)[4], float* sums) {
    DSNK_UNROLL for (int j = 0; j < 4; j++) {
      const auto put = [&](int lane, __m128i piece) __attribute__((always_inline)) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 16 * lane + 4 * j), piece);
      };
      put(0, _mm512_extracti32x4_epi32(t[j].v, 0));
      put(1, _mm512_extracti32x4_epi32(t[j].v, 1));
      put(2, _mm512_extracti32x4_epi32(t[j].v, 2));
      put(3, _mm512_extracti32x4_epi32(t[j].v, 3));
    }
  }
  static inline __attribute__((always_inline)) Lanes64 none() { return {_mm512_setzero_si512()}; }
  static inline __attribute__((always_inline)) Lanes64 less(Lanes64 a, int32_t b) {
    return {_mm512_sub_epi32(a.v, _mm512_set1_epi32(b))};
  }
  // Bytes added to sums of 16 bits, and these to sums of 32 bits, in the order of a block; they then begin anew.
  static inline __attribute__((always_inline)) void addBytes(Lanes64 x, Lanes64 (&halves)[2]) {
    const __m512i zero = _mm512_setzero_si512();
    halves[0].v = _mm512_add_epi16(halves[0].v, _mm512_unpacklo_epi8(x.v, zero));
    halves[1].v = _mm512_add_epi16(halves[1].v, _mm512_unpackhi_epi8(x.v, zero));
  }
  static inline __attribute__((always_inline)) void addHalves(Lanes64 (&halves)[2], Lanes64 (&sums)[4]) {
    const __m512i zero = _mm512_setzero_si512();
    DSNK_UNROLL for (int i = 0; i < 2; i++) {
      sums[2 * i].v = _mm512_add_epi32(sums[2 * i].v, _mm512_unpacklo_epi16(halves[i].v, zero));
      sums[2 * i + 1].v = _mm512_add_epi32(sums[2 * i + 1].v, _mm512_unpackhi_epi16(halves[i].v, zero));
      halves[i] = none();
    }
  }
};

struct Lanes32 {
  static constexpr int channels = 32, group = 4;
  static constexpr int64_t distance = 16;
  static constexpr bool columns = true;
  __m256i v;

  template <bool whole>
  static inline __attribute__((always_inline)) Lanes32 load(const uint8_t* p, int n) {
    return {_mm256_maskz_loadu_epi8(_bzhi_u32(~uint32_t{0}, static_cast<unsigned>(n)), p)};
  }
  static inline __attribute__((always_inline)) Lanes32 splat(uint8_t x) {
    return {_mm256_set1_epi8(static_cast<char>(x))};
  }
  static inline __attribute__((always_inline)) Lanes32 loadWords(const std::byte* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  static inline __attribute__((always_inline)) void interleave(Lanes32 a, Lanes32 b, Lanes32 c, Lanes32 d,
                                                               Lanes32 (&x)[4]) {
    const __m256i abLow = _mm256_unpacklo_epi8(a.v, b.v), abHigh = _mm256_unpackhi_epi8(a.v, b.v);
    const __m256i cdLow = _mm256_unpacklo_epi8(c.v, d.v), cdHigh = _mm256_unpackhi_epi8(c.v, d.v);
    x[0].v = _mm256_unpacklo_epi16(abLow, cdLow);
    x[1].v = _mm256_unpackhi_epi16(abLow, cdLow);
    x[2].v = _mm256_unpacklo_epi16(abHigh, cdHigh);
    x[3].v = _mm256_unpackhi_epi16(abHigh, cdHigh);
  }
  static inline __attribute__((always_inline)) void spreadOut(Lanes32 a, Lanes32 (&x)[4]) { interleave(a, a, a, a, x); }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes32 x, Lanes32 w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(v) : "v"(x.v), "v"(w.v));
  }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes32 x, const std::byte* w) {
    DSNK_DOT(v, x.v, *reinterpret_cast<const __m256i_u*>(w));
  }
  static inline __attribute__((always_inline)) Lanes32 bytesOf(const Lanes32 (&t)[4], const float* m,
                                                               const ByteRange& range) {
    __m256i r[4];
    DSNK_UNROLL for (int j = 0; j < 4; j++) {
      const __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(t[j].v), _mm256_loadu_ps(m + j * distance));
      r[j] = _mm256_cvtps_epi32(_mm256_min_ps(x, _mm256_set1_ps(65536.0f)));
    }
    const __m256i zero = _mm256_set1_epi16(static_cast<int16_t>(range.zero));
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(r[0], r[1]), zero);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(r[2], r[3]), zero);
    const __m256i least = _mm256_set1_epi8(static_cast<int8_t>(range.low));
    const __m256i most = _mm256_set1_epi8(static_cast<int8_t>(range.high));
    return {_mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(low, high), least), most)};
  }
  template <bool whole>
  inline __attribute__((always_inline)) void store(uint8_t* p, int n) const {
    _mm256_mask_storeu_epi8(p, _bzhi_u32(~uint32_t{0}, static_cast<unsigned>(n)), v);
  }
  static void spread(const Lanes32 (&t)[4], float* sums) {
    DSNK_UNROLL for (int j = 0; j < 4; j++) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 4 * j), _mm256_castsi256_si128(t[j].v));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 16 + 4 * j), _mm256_extracti128_si256(t[j].v, 1));
    }
  }
};
