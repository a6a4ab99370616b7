constexpr int kVectorRegisters = 32;

struct Mask {
  __mmask16 m;
};
DSNK_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
DSNK_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
DSNK_INLINE Mask operator!(Mask a) { return {static_cast<__mmask16>(~a.m)}; }

// Bit i is set for i < n.
DSNK_INLINE __mmask16 firstLanes(int n) { return static_cast<__mmask16>(_bzhi_u32(0xffff, static_cast<unsigned>(n))); }

struct F32 {
  static constexpr int lanes = 16;
  __m512 v;
  static inline F32 zero() { return {_mm512_setzero_ps()}; }
  static inline F32 set(float x) { return {_mm512_set1_ps(x)}; }
  static inline F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static inline F32 loadFirst(const float* p, int n) { return {_mm512_maskz_loadu_ps(firstLanes(n), p)}; }
  inline void store(float* p) const { _mm512_storeu_ps(p, v); }
  inline void storeFirst(float* p, int n) const { _mm512_mask_storeu_ps(p, firstLanes(n), v); }
};

struct I32 {
  static constexpr int lanes = 16;
  __m512i v;
  static inline I32 set(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static inline I32 load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
  static inline I32 loadFirst(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(firstLanes(n), p)}; }
  inline void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
  inline void storeFirst(int32_t* p, int n) const { _mm512_mask_storeu_epi32(p, firstLanes(n), v); }
};

DSNK_INLINE F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
DSNK_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// The same in lanes 0 … 7 only, at half the cost; the others hold anything.
DSNK_INLINE F32 fmaLow(F32 a, F32 b, F32 c) {
  return {_mm512_castps256_ps512(
      _mm256_fmadd_ps(_mm512_castps512_ps256(a.v), _mm512_castps512_ps256(b.v), _mm512_castps512_ps256(c.v)))};
}
DSNK_INLINE F32 min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
DSNK_INLINE F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
DSNK_INLINE F32 abs(F32 a) { return {_mm512_abs_ps(a.v)}; }
DSNK_INLINE F32 neg(F32 a) { return {_mm512_xor_ps(_mm512_set1_ps(-0.0f), a.v)}; }
DSNK_INLINE F32 floor(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 ceil(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 trunc(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 roundEven(F32 a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 sqrt(F32 a) { return {_mm512_sqrt_ps(a.v)}; }
DSNK_INLINE Mask less(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
DSNK_INLINE Mask lessEqual(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
DSNK_INLINE Mask equal(F32 a, F32 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
DSNK_INLINE Mask isNan(F32 a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
DSNK_INLINE F32 select(Mask m, F32 a, F32 b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }
DSNK_INLINE I32 toI32(F32 a) { return {_mm512_cvttps_epi32(a.v)}; }
DSNK_INLINE I32 roundToI32(F32 a) { return {_mm512_cvtps_epi32(a.v)}; }
DSNK_INLINE F32 toF32(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
DSNK_INLINE I32 bitsOf(F32 a) { return {_mm512_castps_si512(a.v)}; }
DSNK_INLINE F32 fromBits(I32 a) { return {_mm512_castsi512_ps(a.v)}; }
DSNK_INLINE I32 operator+(I32 a, I32 b) { return {_mm512_add_epi32(a.v, b.v)}; }
DSNK_INLINE I32 operator-(I32 a, I32 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
DSNK_INLINE I32 operator&(I32 a, I32 b) { return {_mm512_and_si512(a.v, b.v)}; }
DSNK_INLINE I32 operator|(I32 a, I32 b) { return {_mm512_or_si512(a.v, b.v)}; }
DSNK_INLINE I32 operator^(I32 a, I32 b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int n>
DSNK_INLINE I32 shiftLeft(I32 a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
DSNK_INLINE I32 shiftRight(I32 a) {  // arithmetic
  return {_mm512_srai_epi32(a.v, n)};
}
DSNK_INLINE float sum(F32 a) { return _mm512_reduce_add_ps(a.v); }
DSNK_INLINE float largest(F32 a) { return _mm512_reduce_max_ps(a.v); }
DSNK_INLINE float smallest(F32 a) { return _mm512_reduce_min_ps(a.v); }
// a·2^n for integral n, denormal results rounded once.
DSNK_INLINE F32 scale2(F32 a, F32 n) { return {_mm512_scalef_ps(a.v, n.v)}; }
// 2^(i/16) where that is a normal number: the low four bits of i choose the fraction, from entries that already lack
// what they leave in the sum when the others are shifted to the exponent.
#define DSNK_POWER_TABLE
DSNK_INLINE F32 powerOfSixteenths(I32 i) {
  const __m512i table =
      _mm512_setr_epi32(0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
                        0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_permutexvar_epi32(i.v, table), _mm512_slli_epi32(i.v, 19)))};
}
DSNK_INLINE I32 min(I32 a, I32 b) { return {_mm512_min_epi32(a.v, b.v)}; }
// Narrow elements widened to float, and back. Bytes are truth values (0, 1); halves round to nearest even.
DSNK_INLINE F32 loadTruth(const uint8_t* p) {
  const __mmask16 yes = _mm_test_epi8_mask(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-1));
  return {_mm512_maskz_mov_ps(yes, _mm512_set1_ps(1.0f))};
}
DSNK_INLINE void storeTruth(F32 a, uint8_t* p) {
  const __mmask16 yes = _mm512_cmp_ps_mask(a.v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(yes, 1));
}
DSNK_INLINE F32 loadHalf(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
DSNK_INLINE void storeHalf(F32 a, uint16_t* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
DSNK_INLINE F32 loadBfloat(const uint16_t* p) {
  const __m512i w = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))};
}
DSNK_INLINE void storeBfloat(F32 a, uint16_t* p) {
  const __m512i i = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(i, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(i, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);  // a NaN must not round to infinity
  const __m512i r = _mm512_mask_or_epi32(rounded, nan, i, _mm512_set1_epi32(0x400000));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
}
// Quantized numbers. What is stored is whole; what no byte holds saturates, NaN at the low end.
DSNK_INLINE F32 loadByte(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
DSNK_INLINE F32 loadSignedByte(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
// The maximum takes its second operand where the first is NaN, and the conversion never sees what no int32 holds.
DSNK_INLINE __m128i wholeNumbers(F32 a, float low, float high) {
  return _mm512_cvtepi32_epi8(
      _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(a.v, _mm512_set1_ps(low)), _mm512_set1_ps(high))));
}
DSNK_INLINE void storeByte(F32 a, uint8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), wholeNumbers(a, 0.0f, 255.0f));
}
DSNK_INLINE void storeSignedByte(F32 a, int8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), wholeNumbers(a, -128.0f, 127.0f));
}
