// Bytes of taps interleaved in AVX2, 32 channels at a time: to quads where there is VPDPBUSD, else to pairs of 16-bit
// numbers.

struct LanesOf32 {
  static constexpr int channels = 32;
  static constexpr int64_t distance = 8;  // words from vector to vector of a block
  static constexpr bool columns = false;
  __m256i v;

  template <bool whole>
  static inline __attribute__((always_inline)) __m256i bytes(const uint8_t* p, int n) {
    if constexpr (whole) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    alignas(32) uint8_t some[32] = {};
    copyBytes(p, n, some);
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(some));
  }
  static inline __attribute__((always_inline)) __m256i words(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  template <bool whole>
  inline __attribute__((always_inline)) void store(uint8_t* p, int n) const {
    if constexpr (whole) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    } else {
      alignas(32) uint8_t some[32];
      _mm256_store_si256(reinterpret_cast<__m256i*>(some), v);
      copyBytes(some, n, p);
    }
  }
};

struct Lanes : LanesOf32 {
#ifdef DSNK_VEX_DOT
  static constexpr int group = 4;
#else
  static constexpr int group = 2;
#endif
  template <bool whole>
  static inline __attribute__((always_inline)) Lanes load(const uint8_t* p, int n) {
    return {{bytes<whole>(p, n)}};
  }
  static inline __attribute__((always_inline)) Lanes loadWords(const std::byte* p) { return {{words(p)}}; }
#ifdef DSNK_VEX_DOT
  static inline __attribute__((always_inline)) void interleave(Lanes a, Lanes b, Lanes c, Lanes d, Lanes (&x)[4]) {
    const __m256i abLow = _mm256_unpacklo_epi8(a.v, b.v), abHigh = _mm256_unpackhi_epi8(a.v, b.v);
    const __m256i cdLow = _mm256_unpacklo_epi8(c.v, d.v), cdHigh = _mm256_unpackhi_epi8(c.v, d.v);
    x[0].v = _mm256_unpacklo_epi16(abLow, cdLow);
    x[1].v = _mm256_unpackhi_epi16(abLow, cdLow);
    x[2].v = _mm256_unpacklo_epi16(abHigh, cdHigh);
    x[3].v = _mm256_unpackhi_epi16(abHigh, cdHigh);
  }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes x, const std::byte* w) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(v) : "x"(x.v), "m"(*reinterpret_cast<const __m256i_u*>(w)));
  }
#else
  static inline __attribute__((always_inline)) void interleave(Lanes a, Lanes b, Lanes (&x)[4]) {
    const __m256i none = _mm256_setzero_si256();
    const __m256i low = _mm256_unpacklo_epi8(a.v, b.v), high = _mm256_unpackhi_epi8(a.v, b.v);
    x[0].v = _mm256_unpacklo_epi8(low, none);
    x[1].v = _mm256_unpackhi_epi8(low, none);
    x[2].v = _mm256_unpacklo_epi8(high, none);
    x[3].v = _mm256_unpackhi_epi8(high, none);
  }
  inline __attribute__((always_inline)) void multiplyAdd(Lanes x, const std::byte* w) {
    v = _mm256_add_epi32(v, _mm256_madd_epi16(x.v, words(w)));
  }
#endif
  static inline
      __attribute__((always_inline)) Lanes bytesOf(const Lanes (&t)[4], const float* m, const ByteRange& range) {
    __m256i r[4];
    DSNK_UNROLL for (int j = 0; j < 4; j++) { r[j] = roundBytes(toF32(I32{t[j].v}) * F32::load(m + j * distance)).v; }
    return {{packedBytes(r[0], r[1], r[2], r[3], range)}};
  }
  static void spread(const Lanes (&t)[4], float* sums) {
    DSNK_UNROLL for (int j = 0; j < 4; j++) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 4 * j), _mm256_castsi256_si128(t[j].v));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + 16 + 4 * j), _mm256_extracti128_si256(t[j].v, 1));
    }
  }
  static inline __attribute__((always_inline)) Lanes none() { return {{_mm256_setzero_si256()}}; }
  static inline __attribute__((always_inline)) Lanes less(Lanes a, int32_t b) {
    return {{_mm256_sub_epi32(a.v, _mm256_set1_epi32(b))}};
  }
  // Bytes added to sums of 16 bits, and these to sums of 32 bits, in the order of a block; they then begin anew.
  static inline __attribute__((always_inline)) void addBytes(Lanes x, Lanes (&halves)[2]) {
    const __m256i zero = _mm256_setzero_si256();
    halves[0].v = _mm256_add_epi16(halves[0].v, _mm256_unpacklo_epi8(x.v, zero));
    halves[1].v = _mm256_add_epi16(halves[1].v, _mm256_unpackhi_epi8(x.v, zero));
  }
  static inline __attribute__((always_inline)) void addHalves(Lanes (&halves)[2], Lanes (&sums)[4]) {
    const __m256i zero = _mm256_setzero_si256();
    DSNK_UNROLL for (int i = 0; i < 2; i++) {
      sums[2 * i].v = _mm256_add_epi32(sums[2 * i].v, _mm256_unpacklo_epi16(halves[i].v, zero));
      sums[2 * i + 1].v = _mm256_add_epi32(sums[2 * i + 1].v, _mm256_unpackhi_epi16(halves[i].v, zero));
      halves[i] = none();
    }
  }
};
