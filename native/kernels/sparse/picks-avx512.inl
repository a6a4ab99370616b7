// Values of a row by positions, in AVX-512: VPERMILPS and VPSHUFB choose within each 128-bit lane.
using Positions = I32;
DSNK_INLINE I32 positionsOf(I32 words) { return words; }  // VPERMILPS looks at two bits only

struct Four {
  __m512 v;
  static inline __attribute__((always_inline)) Four load(const float* p) {
    return {_mm512_broadcast_f32x4(_mm_loadu_ps(p))};
  }
  inline __attribute__((always_inline)) F32 pick(I32 at) const { return {_mm512_permutevar_ps(v, at.v)}; }
};

// (word & 0x03030303) | 0x04040000
DSNK_INLINE I32 quadPositions(I32 words) {
  return {_mm512_ternarylogic_epi32(words.v, _mm512_set1_epi32(0x03030303), _mm512_set1_epi32(0x04040000), 0xea)};
}

struct Eight {
  __m512i v;
  static inline __attribute__((always_inline)) Eight load(const uint8_t* p) {
    long long bytes;
    std::memcpy(&bytes, p, 8);
    return {_mm512_set1_epi64(bytes)};
  }
  inline __attribute__((always_inline)) F32 pick(I32 at) const {
    return {_mm512_castsi512_ps(_mm512_shuffle_epi8(v, at.v))};
  }
};
constexpr unsigned kSparseFlip = 0;
