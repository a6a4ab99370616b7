// Values of a row by positions, in AVX2: VPERMILPS and VPSHUFB choose within each 128-bit lane.
using Positions = I32;
DSNK_INLINE I32 positionsOf(I32 words) { return words; }  // VPERMILPS looks at two bits only

struct Four {
  __m256 v;
  static inline __attribute__((always_inline)) Four load(const float* p) {
    return {_mm256_broadcast_ps(reinterpret_cast<const __m128*>(p))};
  }
  inline __attribute__((always_inline)) F32 pick(I32 at) const { return {_mm256_permutevar_ps(v, at.v)}; }
};

DSNK_INLINE I32 quadPositions(I32 words) {
  return {_mm256_or_si256(_mm256_and_si256(words.v, _mm256_set1_epi32(0x03030303)), _mm256_set1_epi32(0x04040000))};
}

struct Eight {
  __m256i v;
  static inline __attribute__((always_inline)) Eight load(const uint8_t* p) {
    long long bytes;
    std::memcpy(&bytes, p, 8);
    return {_mm256_set1_epi64x(bytes)};
  }
  inline __attribute__((always_inline)) F32 pick(I32 at) const {
    return {_mm256_castsi256_ps(_mm256_shuffle_epi8(v, at.v))};
  }
};
constexpr unsigned kSparseFlip = 0;
