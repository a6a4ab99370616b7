// Sums of bytes in NEON, 16·parts channels at a time: several chains of additions hide each other's latency where a window
// is long.
template <int parts>
struct ByteSums {
  static constexpr int channels = 16 * parts;
  static constexpr int64_t distance = F32::lanes * parts;  // channels of a quarter
  uint8x16_t v[parts];

  template <bool whole>
  static inline __attribute__((always_inline)) ByteSums load(const uint8_t* p, int n) {
    ByteSums r;
    uint8_t some[channels];
    if constexpr (!whole) {
      std::memset(some, 0, sizeof some);
      copyBytes<false>(p, n, some);
      p = some;
    }
    DSNK_UNROLL for (int i = 0; i < parts; i++) r.v[i] = vld1q_u8(p + 16 * i);
    return r;
  }
  template <bool whole>
  inline __attribute__((always_inline)) void store(uint8_t* p, int n) const {
    uint8_t some[channels];
    uint8_t* const to = whole ? p : some;
    DSNK_UNROLL for (int i = 0; i < parts; i++) vst1q_u8(to + 16 * i, v[i]);
    if constexpr (!whole) copyBytes<false>(some, n, p);
  }
  static inline __attribute__((always_inline)) ByteSums none() {
    ByteSums r;
    DSNK_UNROLL for (int i = 0; i < parts; i++) r.v[i] = vdupq_n_u8(0);
    return r;
  }
  static inline __attribute__((always_inline)) ByteSums less(ByteSums a, int32_t b) {
    DSNK_UNROLL for (int i = 0; i < parts; i++) a.v[i] = vreinterpretq_u8_s32(vsubq_s32(words(a.v[i]), vdupq_n_s32(b)));
    return a;
  }
  // halves[h].v[i]: channels 16i + 8h …; sums[2h + k].v[i]: channels 16i + 8h + 4k …
  static inline __attribute__((always_inline)) void addBytes(ByteSums x, ByteSums (&halves)[2]) {
    DSNK_UNROLL for (int i = 0; i < parts; i++) {
      const uint16x8_t low = vreinterpretq_u16_u8(halves[0].v[i]), high = vreinterpretq_u16_u8(halves[1].v[i]);
      halves[0].v[i] = vreinterpretq_u8_u16(vaddw_u8(low, vget_low_u8(x.v[i])));
      halves[1].v[i] = vreinterpretq_u8_u16(vaddw_u8(high, vget_high_u8(x.v[i])));
    }
  }
  static inline __attribute__((always_inline)) void addHalves(ByteSums (&halves)[2], ByteSums (&sums)[4]) {
    DSNK_UNROLL for (int h = 0; h < 2; h++) {
      DSNK_UNROLL for (int i = 0; i < parts; i++) {
        const uint16x8_t half = vreinterpretq_u16_u8(halves[h].v[i]);
        uint8x16_t &low = sums[2 * h].v[i], &high = sums[2 * h + 1].v[i];
        low = vreinterpretq_u8_u32(vaddw_u16(vreinterpretq_u32_u8(low), vget_low_u16(half)));
        high = vreinterpretq_u8_u32(vaddw_u16(vreinterpretq_u32_u8(high), vget_high_u16(half)));
      }
      halves[h] = none();
    }
  }
  static inline __attribute__((always_inline)) ByteSums bytesOf(const ByteSums (&t)[4], const float* m,
                                                                const ByteRange& range) {
    ByteSums r;
    DSNK_UNROLL for (int i = 0; i < parts; i++) {
      int32x4_t q[4];
      DSNK_UNROLL for (int j = 0; j < 4; j++) {
        q[j] = roundBytes(toF32(I32{words(t[j].v[i])}) * F32::load(m + j * distance + i * F32::lanes)).v;
      }
      r.v[i] = vreinterpretq_u8_u32(neon::bytesOf(q[0], q[1], q[2], q[3], range));
    }
    return r;
  }

 private:
  static inline __attribute__((always_inline)) int32x4_t words(uint8x16_t x) { return vreinterpretq_s32_u8(x); }
};
