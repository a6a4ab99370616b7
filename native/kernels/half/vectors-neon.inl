// Halves in NEON with half-precision arithmetic (ARMv8.2-FP16).

struct F16 {
  static constexpr int lanes = 8;
  float16x8_t v;
  static inline F16 load(const uint16_t* p) { return {vreinterpretq_f16_u16(vld1q_u16(p))}; }
  inline void store(uint16_t* p) const { vst1q_u16(p, vreinterpretq_u16_f16(v)); }
};

// Eight numbers of a row of a, of which one at a time multiplies a vector of columns.
struct Octet {
  float16x8_t v;
};
DSNK_INLINE Octet loadOctet(const uint16_t* p) { return {vreinterpretq_f16_u16(vld1q_u16(p))}; }

template <int lane>
DSNK_INLINE F16 multiply(F16 b, Octet a) {
  return {vmulq_laneq_f16(b.v, a.v, lane)};
}
template <int lane>
DSNK_INLINE void accumulate(F16& acc, F16 b, Octet a) {
#if defined(__clang__)
  acc.v = vfmaq_laneq_f16(acc.v, b.v, a.v, lane);
#else  // GCC 12 spreads the lane first
  asm("fmla %0.8h, %1.8h, %2.h[%3]" : "+w"(acc.v) : "w"(b.v), "x"(a.v), "n"(lane));
#endif
}
DSNK_INLINE F16 operator+(F16 a, F16 b) { return {vaddq_f16(a.v, b.v)}; }

// One factor a lane.
struct F16Scale {
  F32 low, high;
  explicit inline F16Scale(const float* p) : low(F32::load(p)), high(F32::load(p + 4)) {}
};
// sums += h·scale
DSNK_INLINE void addScaled(F16 h, const F16Scale& scale, float* sums) {
  F32 low{vcvt_f32_f16(vget_low_f16(h.v))}, high;
  asm("fcvtl2 %0.4s, %1.8h" : "=w"(high.v) : "w"(h.v));  // Clang 19 moves the upper half down first
  fma(low, scale.low, F32::load(sums)).store(sums);
  fma(high, scale.high, F32::load(sums + 4)).store(sums + 4);
}

// The element type of narrow/.
struct Halves {
  using Source = float;
  using Stored = uint16_t;
  static constexpr bool sameStored = false;
  static void convert(const float* from, int64_t n, uint16_t* to) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
      const float16x4_t low = vcvt_f16_f32(vld1q_f32(from + i));
      vst1q_u16(to + i, vreinterpretq_u16_f16(vcvt_high_f16_f32(low, vld1q_f32(from + i + 4))));
    }
    for (; i < n; i += 4) {
      const int rest = static_cast<int>(n - i);
      const uint16x4_t four = vreinterpret_u16_f16(vcvt_f16_f32(F32::loadFirst(from + i, rest).v));
      if (rest >= 4) {
        vst1_u16(to + i, four);
        continue;
      }
      vst1_lane_u16(to + i, four, 0);
      if (rest > 1) vst1_lane_u16(to + i + 1, four, 1);
      if (rest > 2) vst1_lane_u16(to + i + 2, four, 2);
    }
  }
};
