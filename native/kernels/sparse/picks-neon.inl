// Values of a row by positions, on AArch64: TBL chooses among 16 bytes. Activations become signed, as SDOT has them.
using Positions = uint8x16_t;
// Position i of a word as its four bytes 4i … 4i + 3.
DSNK_INLINE uint8x16_t positionsOf(I32 words) {
  const uint32x4_t at = vandq_u32(vreinterpretq_u32_s32(words.v), vdupq_n_u32(3));
  return vreinterpretq_u8_u32(vmlaq_u32(vdupq_n_u32(0x03020100), at, vdupq_n_u32(0x04040404)));
}

struct Four {
  uint8x16_t v;
  static inline __attribute__((always_inline)) Four load(const float* p) {
    return {vreinterpretq_u8_f32(vld1q_f32(p))};
  }
  inline __attribute__((always_inline)) F32 pick(uint8x16_t at) const {
    return {vreinterpretq_f32_u8(vqtbl1q_u8(v, at))};
  }
};

DSNK_INLINE I32 quadPositions(I32 words) {
  return {vorrq_s32(vandq_s32(words.v, vdupq_n_s32(0x03030303)), vdupq_n_s32(0x04040000))};
}

struct Eight {
  uint8x16_t v;
  static inline __attribute__((always_inline)) Eight load(const uint8_t* p) {
    const uint8x8_t half = vld1_u8(p);
    return {vcombine_u8(half, half)};
  }
  inline __attribute__((always_inline)) F32 pick(I32 at) const {
    return {vreinterpretq_f32_u8(vqtbl1q_u8(v, vreinterpretq_u8_s32(at.v)))};
  }
};
constexpr unsigned kSparseFlip = kSignedZero;
