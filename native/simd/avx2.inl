constexpr int kVectorRegisters = 16;

struct Mask {
  __m256 m;
};
DSNK_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
DSNK_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
DSNK_INLINE Mask operator!(Mask a) { return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }

// Lane i is all ones for i < n.
DSNK_INLINE __m256i firstLanes(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

struct F32 {
  static constexpr int lanes = 8;
  __m256 v;
  static inline F32 zero() { return {_mm256_setzero_ps()}; }
  static inline F32 set(float x) { return {_mm256_set1_ps(x)}; }
  static inline F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static inline F32 loadFirst(const float* p, int n) { return {_mm256_maskload_ps(p, firstLanes(n))}; }
  inline void store(float* p) const { _mm256_storeu_ps(p, v); }
  inline void storeFirst(float* p, int n) const { _mm256_maskstore_ps(p, firstLanes(n), v); }
};

struct I32 {
  static constexpr int lanes = 8;
  __m256i v;
  static inline I32 set(int32_t x) { return {_mm256_set1_epi32(x)}; }
  static inline I32 load(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static inline I32 loadFirst(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, firstLanes(n))}; }
  inline void store(int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  inline void storeFirst(int32_t* p, int n) const { _mm256_maskstore_epi32(p, firstLanes(n), v); }
};

DSNK_INLINE F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
DSNK_INLINE F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
DSNK_INLINE F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
DSNK_INLINE F32 fmaLow(F32 a, F32 b, F32 c) { return fma(a, b, c); }  // half as wide costs the same here
DSNK_INLINE F32 min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
DSNK_INLINE F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
DSNK_INLINE F32 abs(F32 a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
DSNK_INLINE F32 neg(F32 a) { return {_mm256_xor_ps(_mm256_set1_ps(-0.0f), a.v)}; }
DSNK_INLINE F32 floor(F32 a) { return {_mm256_floor_ps(a.v)}; }
DSNK_INLINE F32 ceil(F32 a) { return {_mm256_ceil_ps(a.v)}; }
DSNK_INLINE F32 trunc(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 roundEven(F32 a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
DSNK_INLINE F32 sqrt(F32 a) { return {_mm256_sqrt_ps(a.v)}; }
DSNK_INLINE Mask less(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
DSNK_INLINE Mask lessEqual(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
DSNK_INLINE Mask equal(F32 a, F32 b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
DSNK_INLINE Mask isNan(F32 a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
DSNK_INLINE F32 select(Mask m, F32 a, F32 b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
DSNK_INLINE I32 toI32(F32 a) { return {_mm256_cvttps_epi32(a.v)}; }
DSNK_INLINE I32 roundToI32(F32 a) { return {_mm256_cvtps_epi32(a.v)}; }
DSNK_INLINE F32 toF32(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
DSNK_INLINE I32 bitsOf(F32 a) { return {_mm256_castps_si256(a.v)}; }
DSNK_INLINE F32 fromBits(I32 a) { return {_mm256_castsi256_ps(a.v)}; }
DSNK_INLINE I32 operator+(I32 a, I32 b) { return {_mm256_add_epi32(a.v, b.v)}; }
DSNK_INLINE I32 operator-(I32 a, I32 b) { return {_mm256_sub_epi32(a.v, b.v)}; }
DSNK_INLINE I32 operator&(I32 a, I32 b) { return {_mm256_and_si256(a.v, b.v)}; }
DSNK_INLINE I32 operator|(I32 a, I32 b) { return {_mm256_or_si256(a.v, b.v)}; }
DSNK_INLINE I32 operator^(I32 a, I32 b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int n>
DSNK_INLINE I32 shiftLeft(I32 a) {
  return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
DSNK_INLINE I32 shiftRight(I32 a) {  // arithmetic
  return {_mm256_srai_epi32(a.v, n)};
}
DSNK_INLINE float sum(F32 a) {
  const __m128 h = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 q = _mm_add_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
DSNK_INLINE float largest(F32 a) {
  const __m128 h = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 q = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
DSNK_INLINE float smallest(F32 a) {
  const __m128 h = _mm_min_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 q = _mm_min_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_min_ss(q, _mm_movehdup_ps(q)));
}
// a·2^n for integral n in [-252, 252], in two exact steps so that denormal results round once.
DSNK_INLINE F32 scale2(F32 a, F32 n) {
  const __m256i i = _mm256_cvtps_epi32(n.v), bias = _mm256_set1_epi32(127);
  const __m256i half = _mm256_srai_epi32(i, 1), rest = _mm256_sub_epi32(i, half);
  const __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return {_mm256_mul_ps(_mm256_mul_ps(a.v, first), second)};
}
// Narrow elements widened to float, and back. Bytes are truth values (0, 1); halves round to nearest even.
DSNK_INLINE F32 loadTruth(const uint8_t* p) {
  const __m256i b = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m256i no = _mm256_cmpeq_epi32(b, _mm256_setzero_si256());
  return {_mm256_andnot_ps(_mm256_castsi256_ps(no), _mm256_set1_ps(1.0f))};
}
DSNK_INLINE void storeTruth(F32 a, uint8_t* p) {
  const __m256i yes = _mm256_castps_si256(_mm256_cmp_ps(a.v, _mm256_setzero_ps(), _CMP_NEQ_UQ));
  const __m128i w = _mm_packs_epi32(_mm256_castsi256_si128(yes), _mm256_extracti128_si256(yes, 1));
  const __m128i b = _mm_and_si128(_mm_packs_epi16(w, w), _mm_set1_epi8(1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), b);
}
DSNK_INLINE F32 loadHalf(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DSNK_INLINE void storeHalf(F32 a, uint16_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
}
DSNK_INLINE F32 loadBfloat(const uint16_t* p) {
  const __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(w, 16))};
}
DSNK_INLINE void storeBfloat(F32 a, uint16_t* p) {
  const __m256i i = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(i, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(i, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(i, _mm256_set1_epi32(0x400000));  // a NaN must not round to infinity
  const __m256 nan = _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q);
  const __m256i r = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan)), 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)));
}
// Quantized numbers. What is stored is whole; what no byte holds saturates, NaN at the low end.
DSNK_INLINE F32 loadByte(const uint8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
DSNK_INLINE F32 loadSignedByte(const int8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}
// The maximum takes its second operand where the first is NaN, and the conversion never sees what no int32 holds.
DSNK_INLINE __m128i wholeNumbers(F32 a, float low, float high) {
  const __m256i i = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(a.v, _mm256_set1_ps(low)), _mm256_set1_ps(high)));
  return _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
}
DSNK_INLINE void storeByte(F32 a, uint8_t* p) {
  const __m128i w = wholeNumbers(a, 0.0f, 255.0f);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(w, w));
}
DSNK_INLINE void storeSignedByte(F32 a, int8_t* p) {
  const __m128i w = wholeNumbers(a, -128.0f, 127.0f);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(w, w));
}
