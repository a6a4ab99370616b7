#if defined(__aarch64__)
constexpr int kVectorRegisters = 32;
#else
constexpr int kVectorRegisters = 16;
#endif

struct Mask {
  uint32x4_t m;
};
DSNK_INLINE Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
DSNK_INLINE Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
DSNK_INLINE Mask operator!(Mask a) { return {vmvnq_u32(a.m)}; }

// No load or store under a mask exists: one element or a pair at a time, and none past the first n.
struct F32 {
  static constexpr int lanes = 4;
  float32x4_t v;
  static inline F32 zero() { return {vdupq_n_f32(0.0f)}; }
  static inline F32 set(float x) { return {vdupq_n_f32(x)}; }
  static inline F32 load(const float* p) { return {vld1q_f32(p)}; }
  static inline F32 loadFirst(const float* p, int n) {
    if (n >= 4) return load(p);
    float32x4_t v = vdupq_n_f32(0.0f);
    if (n >= 2) v = vcombine_f32(vld1_f32(p), vdup_n_f32(0.0f));
    if (n == 1) v = vld1q_lane_f32(p, v, 0);
    if (n == 3) v = vld1q_lane_f32(p + 2, v, 2);
    return {v};
  }
  inline void store(float* p) const { vst1q_f32(p, v); }
  inline void storeFirst(float* p, int n) const {
    if (n >= 4) return store(p);
    if (n >= 2) vst1_f32(p, vget_low_f32(v));
    if (n == 1) vst1q_lane_f32(p, v, 0);
    if (n == 3) vst1q_lane_f32(p + 2, v, 2);
  }
};

struct I32 {
  static constexpr int lanes = 4;
  int32x4_t v;
  static inline I32 set(int32_t x) { return {vdupq_n_s32(x)}; }
  static inline I32 load(const int32_t* p) { return {vld1q_s32(p)}; }
  static inline I32 loadFirst(const int32_t* p, int n) {
    return {vreinterpretq_s32_f32(F32::loadFirst(reinterpret_cast<const float*>(p), n).v)};
  }
  inline void store(int32_t* p) const { vst1q_s32(p, v); }
  inline void storeFirst(int32_t* p, int n) const {
    F32{vreinterpretq_f32_s32(v)}.storeFirst(reinterpret_cast<float*>(p), n);
  }
};

DSNK_INLINE F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
DSNK_INLINE F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
DSNK_INLINE F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
DSNK_INLINE F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
DSNK_INLINE F32 fmaLow(F32 a, F32 b, F32 c) { return fma(a, b, c); }  // half as wide costs the same here
DSNK_INLINE Mask less(F32 a, F32 b) { return {vcltq_f32(a.v, b.v)}; }
DSNK_INLINE Mask lessEqual(F32 a, F32 b) { return {vcleq_f32(a.v, b.v)}; }
DSNK_INLINE Mask equal(F32 a, F32 b) { return {vceqq_f32(a.v, b.v)}; }
DSNK_INLINE Mask isNan(F32 a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
DSNK_INLINE F32 select(Mask m, F32 a, F32 b) { return {vbslq_f32(m.m, a.v, b.v)}; }
// FMIN and FMAX give NaN where either operand is, FMINNM and FMAXNM the number: neither is the rule of vec.h.
DSNK_INLINE F32 min(F32 a, F32 b) { return select(less(a, b), a, b); }
DSNK_INLINE F32 max(F32 a, F32 b) { return select(less(b, a), a, b); }
DSNK_INLINE F32 abs(F32 a) { return {vabsq_f32(a.v)}; }
DSNK_INLINE F32 neg(F32 a) { return {vnegq_f32(a.v)}; }
DSNK_INLINE F32 toF32(I32 a) { return {vcvtq_f32_s32(a.v)}; }
DSNK_INLINE I32 bitsOf(F32 a) { return {vreinterpretq_s32_f32(a.v)}; }
DSNK_INLINE F32 fromBits(I32 a) { return {vreinterpretq_f32_s32(a.v)}; }
DSNK_INLINE I32 operator+(I32 a, I32 b) { return {vaddq_s32(a.v, b.v)}; }
DSNK_INLINE I32 operator-(I32 a, I32 b) { return {vsubq_s32(a.v, b.v)}; }
DSNK_INLINE I32 operator&(I32 a, I32 b) { return {vandq_s32(a.v, b.v)}; }
DSNK_INLINE I32 operator|(I32 a, I32 b) { return {vorrq_s32(a.v, b.v)}; }
DSNK_INLINE I32 operator^(I32 a, I32 b) { return {veorq_s32(a.v, b.v)}; }
template <int n>
DSNK_INLINE I32 shiftLeft(I32 a) {
  return {vshlq_n_s32(a.v, n)};
}
template <int n>
DSNK_INLINE I32 shiftRight(I32 a) {  // arithmetic
  if constexpr (n == 0) return a;
  return {vshrq_n_s32(a.v, n == 0 ? 1 : n)};
}

// Saturates, and makes 0 of NaN. For ARMv7 clang takes the intrinsic for C's conversion, which means nothing
// out of range and may then become anything.
DSNK_INLINE int32x4_t towardZero(float32x4_t a) {
#if defined(__aarch64__)
  return vcvtq_s32_f32(a);
#else
  int32x4_t i;
  asm("vcvt.s32.f32 %q0, %q1" : "=w"(i) : "w"(a));
  return i;
#endif
}
// Out of range is INT32_MIN on every ISA.
DSNK_INLINE I32 inRange(F32 a, int32x4_t converted) {
  const uint32x4_t fits = vcltq_f32(a.v, vdupq_n_f32(2147483648.0f));
  return {vbslq_s32(fits, converted, vdupq_n_s32(INT32_MIN))};
}
DSNK_INLINE I32 toI32(F32 a) { return inRange(a, towardZero(a.v)); }

#if defined(__aarch64__)
DSNK_INLINE F32 operator/(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
DSNK_INLINE F32 sqrt(F32 a) { return {vsqrtq_f32(a.v)}; }
DSNK_INLINE F32 floor(F32 a) { return {vrndmq_f32(a.v)}; }
DSNK_INLINE F32 ceil(F32 a) { return {vrndpq_f32(a.v)}; }
DSNK_INLINE F32 trunc(F32 a) { return {vrndq_f32(a.v)}; }
DSNK_INLINE F32 roundEven(F32 a) { return {vrndnq_f32(a.v)}; }
DSNK_INLINE int32x4_t nearestInteger(F32 a) { return vcvtnq_s32_f32(a.v); }
#else
// ARMv7 has none of these for vectors. Roots, and divisions of numbers that may leave the range: VFP, lane by lane.
__attribute__((noinline)) static inline F32 divideLanes(F32 a, F32 b) {
  float32x4_t q = vdupq_n_f32(vgetq_lane_f32(a.v, 0) / vgetq_lane_f32(b.v, 0));
  q = vsetq_lane_f32(vgetq_lane_f32(a.v, 1) / vgetq_lane_f32(b.v, 1), q, 1);
  q = vsetq_lane_f32(vgetq_lane_f32(a.v, 2) / vgetq_lane_f32(b.v, 2), q, 2);
  return {vsetq_lane_f32(vgetq_lane_f32(a.v, 3) / vgetq_lane_f32(b.v, 3), q, 3)};
}
// Lanes of all ones where 2⁻⁶⁰ ≤ |x| < 2⁶⁰.
DSNK_INLINE uint32x4_t isMiddling(float32x4_t x) {
  const uint32x4_t magnitude = vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0x7fffffff));
  return vcltq_u32(vsubq_u32(magnitude, vdupq_n_u32((127u - 60) << 23)), vdupq_n_u32(120u << 23));
}
// Correctly rounded. The estimate of 1/b has 8 bits; three steps, of which the last two are exact but for the last
// rounding, give 1/b rounded, unless the mantissa of b is all ones; with that and a quotient that errs by an ulp at
// most, the exact remainder gives the rounded quotient (Markstein, IA-64 and Elementary Functions (2000), chapter 8).
DSNK_INLINE F32 operator/(F32 a, F32 b) {
  const uint32x4_t zero = vceqq_f32(a.v, vdupq_n_f32(0.0f));
  const uint32x4_t ones = vceqq_u32(vorrq_u32(vreinterpretq_u32_f32(b.v), vdupq_n_u32(0xff800000)), vdupq_n_u32(~0u));
  const uint32x4_t fits = vandq_u32(vorrq_u32(isMiddling(a.v), zero), vbicq_u32(isMiddling(b.v), ones));
  const uint32x2_t both = vand_u32(vget_low_u32(fits), vget_high_u32(fits));
  if (vget_lane_u64(vreinterpret_u64_u32(both), 0) != ~uint64_t{0}) return divideLanes(a, b);
  const float32x4_t one = vdupq_n_f32(1.0f);
  float32x4_t r = vrecpeq_f32(b.v);
  r = vmulq_f32(vrecpsq_f32(b.v, r), r);
  r = vfmaq_f32(r, vfmsq_f32(one, b.v, r), r);
  r = vfmaq_f32(r, vfmsq_f32(one, b.v, r), r);
  const float32x4_t q = vmulq_f32(a.v, r);
  const float32x4_t rounded = vfmaq_f32(q, vfmsq_f32(a.v, b.v, q), r);
  return {vbslq_f32(zero, q, rounded)};  // the remainder of a zero would lose its sign
}
__attribute__((noinline)) static inline F32 sqrt(F32 a) {
  float32x4_t r = vdupq_n_f32(__builtin_sqrtf(vgetq_lane_f32(a.v, 0)));
  r = vsetq_lane_f32(__builtin_sqrtf(vgetq_lane_f32(a.v, 1)), r, 1);
  r = vsetq_lane_f32(__builtin_sqrtf(vgetq_lane_f32(a.v, 2)), r, 2);
  return {vsetq_lane_f32(__builtin_sqrtf(vgetq_lane_f32(a.v, 3)), r, 3)};
}
// `rounded` where |a| < 2²³, with a's sign (-0.3 gives -0); larger numbers are integers and stay, as do NaN.
DSNK_INLINE F32 asIntegral(F32 a, float32x4_t rounded) {
  const uint32x4_t fraction = vcaltq_f32(a.v, vdupq_n_f32(8388608.0f));
  const uint32x4_t magnitude = vandq_u32(fraction, vdupq_n_u32(0x7fffffff));
  return {vbslq_f32(magnitude, rounded, a.v)};
}
DSNK_INLINE F32 trunc(F32 a) { return asIntegral(a, vcvtq_f32_s32(towardZero(a.v))); }
DSNK_INLINE F32 floor(F32 a) {
  const float32x4_t t = vcvtq_f32_s32(towardZero(a.v));
  const uint32x4_t one = vandq_u32(vcgtq_f32(t, a.v), vreinterpretq_u32_f32(vdupq_n_f32(1.0f)));
  return asIntegral(a, vsubq_f32(t, vreinterpretq_f32_u32(one)));
}
DSNK_INLINE F32 ceil(F32 a) {
  const float32x4_t t = vcvtq_f32_s32(towardZero(a.v));
  const uint32x4_t one = vandq_u32(vcltq_f32(t, a.v), vreinterpretq_u32_f32(vdupq_n_f32(1.0f)));
  return asIntegral(a, vaddq_f32(t, vreinterpretq_f32_u32(one)));
}
DSNK_INLINE F32 roundEven(F32 a) {
  // |a| + 2²³ has no bits below 1: the addition rounds to nearest even
  const float32x4_t big = vdupq_n_f32(8388608.0f);
  return asIntegral(a, vsubq_f32(vaddq_f32(vabsq_f32(a.v), big), big));
}
DSNK_INLINE int32x4_t nearestInteger(F32 a) { return towardZero(roundEven(a).v); }
#endif
DSNK_INLINE I32 roundToI32(F32 a) { return inRange(a, nearestInteger(a)); }

DSNK_INLINE float sum(F32 a) {
  const float32x2_t h = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(vpadd_f32(h, h), 0);
}
DSNK_INLINE float largest(F32 a) {
  const float32x2_t l = vget_low_f32(a.v), r = vget_high_f32(a.v);
  const float32x2_t h = vbsl_f32(vclt_f32(r, l), l, r), o = vrev64_f32(h);
  return vget_lane_f32(vbsl_f32(vclt_f32(o, h), h, o), 0);
}
DSNK_INLINE float smallest(F32 a) {
  const float32x2_t l = vget_low_f32(a.v), r = vget_high_f32(a.v);
  const float32x2_t h = vbsl_f32(vclt_f32(l, r), l, r), o = vrev64_f32(h);
  return vget_lane_f32(vbsl_f32(vclt_f32(h, o), h, o), 0);
}
// a·2^n for integral n in [-252, 252], in two exact steps so that denormal results round once.
DSNK_INLINE F32 scale2(F32 a, F32 n) {
  const int32x4_t i = towardZero(n.v), bias = vdupq_n_s32(127);
  const int32x4_t half = vshrq_n_s32(i, 1), rest = vsubq_s32(i, half);
  const float32x4_t first = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  const float32x4_t second = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23));
  return {vmulq_f32(vmulq_f32(a.v, first), second)};
}
// Narrow elements widened to float, and back. Bytes are truth values (0, 1); halves round to nearest even.
DSNK_INLINE F32 loadTruth(const uint8_t* p) {
  uint32_t four;
  std::memcpy(&four, p, 4);
  const uint16x8_t w = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)));
  const uint32x4_t b = vmovl_u16(vget_low_u16(w));
  return {vreinterpretq_f32_u32(vandq_u32(vtstq_u32(b, b), vreinterpretq_u32_f32(vdupq_n_f32(1.0f))))};
}
DSNK_INLINE void storeTruth(F32 a, uint8_t* p) {
#if defined(__aarch64__)
  const uint32x4_t no = vceqzq_f32(a.v);
#else
  // On the bits: a comparison of floats would take a denormal for zero, and clang 19 makes one of this without the asm.
  int32x4_t magnitude = vshlq_n_s32(vreinterpretq_s32_f32(a.v), 1);
  asm("" : "+w"(magnitude));
  const uint32x4_t no = vceqq_s32(magnitude, vdupq_n_s32(0));
#endif
  const uint16x4_t w = vmovn_u32(vaddq_u32(no, vdupq_n_u32(1)));
  const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(w, w))), 0);
  std::memcpy(p, &four, 4);
}
#if defined(__aarch64__)
DSNK_INLINE F32 loadHalf(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
DSNK_INLINE void storeHalf(F32 a, uint16_t* p) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v))); }
#else
// GCC has the intrinsics only with -mfp16-format=ieee, the processor has the instructions with every VFPv4. They make
// the default NaN of every NaN, so those are put together from their bits.
DSNK_INLINE F32 loadHalf(const uint16_t* p) {
  const uint16x4_t half = vld1_u16(p);
  float32x4_t wide;
  asm("vcvt.f32.f16 %q0, %P1" : "=w"(wide) : "w"(half));
  const uint32x4_t w = vmovl_u16(half);
  const uint32x4_t nan = vcgtq_u32(vandq_u32(w, vdupq_n_u32(0x7fff)), vdupq_n_u32(0x7c00));
  const uint32x4_t quiet = vorrq_u32(vshlq_n_u32(w, 13), vdupq_n_u32(0x7fc00000));  // all but the sign
  const uint32x4_t bits = vbslq_u32(vdupq_n_u32(INT32_MAX), quiet, vshlq_n_u32(w, 16));
  return {vbslq_f32(nan, vreinterpretq_f32_u32(bits), wide)};
}
DSNK_INLINE void storeHalf(F32 a, uint16_t* p) {
  uint16x4_t narrow;
  asm("vcvt.f16.f32 %P0, %q1" : "=w"(narrow) : "w"(a.v));
  const uint32x4_t w = vreinterpretq_u32_f32(a.v);
  const uint16x4_t nan = vmovn_u32(vmvnq_u32(vceqq_f32(a.v, a.v)));
  const uint16x4_t quiet = vorr_u16(vshrn_n_u32(w, 13), vdup_n_u16(0x7e00));
  const uint16x4_t bits = vbsl_u16(vdup_n_u16(0x7fff), quiet, vshrn_n_u32(w, 16));
  vst1_u16(p, vbsl_u16(nan, bits, narrow));
}
#endif
DSNK_INLINE F32 loadBfloat(const uint16_t* p) { return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16))}; }
DSNK_INLINE void storeBfloat(F32 a, uint16_t* p) {
  const uint32x4_t i = vreinterpretq_u32_f32(a.v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(i, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(i, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(i, vdupq_n_u32(0x400000));  // a NaN must not round to infinity
  vst1_u16(p, vshrn_n_u32(vbslq_u32(vceqq_f32(a.v, a.v), rounded, quiet), 16));
}
// Quantized numbers. What is stored is whole; what no byte holds saturates, NaN at the low end.
DSNK_INLINE F32 loadByte(const uint8_t* p) {
  uint32_t four;
  std::memcpy(&four, p, 4);
  return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))))};
}
DSNK_INLINE F32 loadSignedByte(const int8_t* p) {
  uint32_t four;
  std::memcpy(&four, p, 4);
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four))))))};
}
// Whole numbers: that this conversion cuts off instead of rounding makes no difference.
DSNK_INLINE int16x8_t wholeNumbers(F32 a, float low, float high) {
  const F32 bounded = min(max(a, F32::set(low)), F32::set(high));
  const int16x4_t w = vmovn_s32(vcvtq_s32_f32(bounded.v));
  return vcombine_s16(w, w);
}
DSNK_INLINE void storeByte(F32 a, uint8_t* p) {
  const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vqmovun_s16(wholeNumbers(a, 0.0f, 255.0f))), 0);
  std::memcpy(p, &four, 4);
}
DSNK_INLINE void storeSignedByte(F32 a, int8_t* p) {
  const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vqmovn_s16(wholeNumbers(a, -128.0f, 127.0f))), 0);
  std::memcpy(p, &four, 4);
}
