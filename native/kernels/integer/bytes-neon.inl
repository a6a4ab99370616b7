// Bytes in NEON: four integers become 4 bytes, four vectors at a time.

// Short rows as two pieces that overlap. With `less128` each number is 128 less, as a signed byte.
template <bool less128>
static void copyBytes(const uint8_t* from, int64_t n, uint8_t* to) {
  const uint8x16_t turned = vdupq_n_u8(less128 ? 0x80 : 0);
  const auto sixteen = [&](int64_t at)
                           __attribute__((always_inline)) { vst1q_u8(to + at, veorq_u8(vld1q_u8(from + at), turned)); };
  const auto eight = [&](int64_t at) __attribute__((always_inline)) {
    vst1_u8(to + at, veor_u8(vld1_u8(from + at), vget_low_u8(turned)));
  };
  const auto four = [&](int64_t at) __attribute__((always_inline)) {
    uint32_t word;
    std::memcpy(&word, from + at, 4);
    word ^= less128 ? 0x80808080 : 0;
    std::memcpy(to + at, &word, 4);
  };
  if (n >= 16) {
    for (int64_t i = 0; i + 16 <= n; i += 16) sixteen(i);
    if (n % 16 != 0) sixteen(n - 16);
  } else if (n >= 8) {
    eight(0);
    if (n > 8) eight(n - 8);
  } else if (n >= 4) {
    four(0);
    if (n > 4) four(n - 4);
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = static_cast<uint8_t>(from[i] ^ (less128 ? 0x80 : 0));
  }
}

// The element types of narrow/: numbers that are multiplied as they are, and numbers less 128.
struct Unsigned {
  using Source = uint8_t;
  using Stored = uint8_t;
  static constexpr bool sameStored = true;
  static void convert(const uint8_t* from, int64_t n, uint8_t* to) { copyBytes<false>(from, n, to); }
};
struct Signed {
  using Source = uint8_t;
  using Stored = uint8_t;
  static constexpr bool sameStored = false;
  static void convert(const uint8_t* from, int64_t n, uint8_t* to) { copyBytes<true>(from, n, to); }
};

// A NaN becomes the bound. What lies outside of ±2^16 may become anything that is.
DSNK_INLINE I32 roundBytes(F32 x) {
#if defined(__aarch64__)
  return {vcvtnq_s32_f32(vminnmq_f32(x.v, vdupq_n_f32(65536.0f)))};
#else
  // |x| + 1.5·2^23 has no bits below 1: the addition rounds to nearest even, and leaves the integer in the low bits.
  const float32x4_t magic = vdupq_n_f32(12582912.0f);
  const F32 bounded = max(min(x, F32::set(65536.0f)), F32::set(-65536.0f));
  return {vsubq_s32(vreinterpretq_s32_f32(vaddq_f32(bounded.v, magic)), vreinterpretq_s32_f32(magic))};
#endif
}

DSNK_INLINE I32 loadBytes(const uint8_t* p, int n) {
  uint32_t bytes = 0;
  if (n >= 4) {
    std::memcpy(&bytes, p, 4);
  } else {
    for (int i = 0; i < n; i++) bytes |= uint32_t{p[i]} << 8 * i;
  }
  return {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes))))))};
}

// Four vectors one after the other.
DSNK_INLINE uint32x4_t bytesOf(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, const ByteRange& range) {
  const int16x8_t zero = vdupq_n_s16(static_cast<int16_t>(range.zero));
  const int16x8_t low = vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), zero);
  const int16x8_t high = vqaddq_s16(vcombine_s16(vqmovn_s32(c), vqmovn_s32(d)), zero);
  const uint8x16_t bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
  return vreinterpretq_u32_u8(vminq_u8(vmaxq_u8(bytes, vdupq_n_u8(static_cast<uint8_t>(range.low))),
                                       vdupq_n_u8(static_cast<uint8_t>(range.high))));
}

DSNK_INLINE void storeSome(uint32_t bytes, uint8_t* y, int n) {
  if (n == 4) {
    std::memcpy(y, &bytes, 4);
    return;
  }
  for (int i = 0; i < n; i++) y[i] = static_cast<uint8_t>(bytes >> 8 * i);
}

DSNK_INLINE void storeVector(I32 v, uint8_t* y, int n, const ByteRange& range) {
  storeSome(vgetq_lane_u32(bytesOf(v.v, v.v, v.v, v.v, range), 0), y, n);
}

template <int MR, int NV>
DSNK_INLINE void storeTile(const Tile<MR, NV>& t, uint8_t* y, int64_t ldc, int64_t columns, const ByteRange& range) {
  constexpr int count = MR * NV;
  const int last = Tile<MR, NV>::lastOf(columns);
  const auto vector = [&](int i) __attribute__((always_inline)) {
    const int at = i < count ? i : count - 1;
    return bitsOf(t.v[at / NV][at % NV]).v;
  };
  DSNK_UNROLL for (int f = 0; f < count; f += 4) {
    const uint32x4_t bytes = bytesOf(vector(f), vector(f + 1), vector(f + 2), vector(f + 3), range);
    const auto place = [&](int i) __attribute__((always_inline)) {
      return y + (f + i) / NV * ldc + (f + i) % NV * F32::lanes;
    };
    if (last == F32::lanes) {
      if (NV % 4 == 0) {
        vst1q_u8(place(0), vreinterpretq_u8_u32(bytes));
      } else if (NV == 2) {
        vst1_u8(place(0), vget_low_u8(vreinterpretq_u8_u32(bytes)));
        if (f + 2 < count) vst1_u8(place(2), vget_high_u8(vreinterpretq_u8_u32(bytes)));
      } else {  // not vst1q_lane_u32, which may ask for aligned words
        storeSome(vgetq_lane_u32(bytes, 0), place(0), 4);
        if (f + 1 < count) storeSome(vgetq_lane_u32(bytes, 1), place(1), 4);
        if (f + 2 < count) storeSome(vgetq_lane_u32(bytes, 2), place(2), 4);
        if (f + 3 < count) storeSome(vgetq_lane_u32(bytes, 3), place(3), 4);
      }
      continue;
    }
    uint32_t fours[4];
    vst1q_u32(fours, bytes);
    DSNK_UNROLL for (int i = 0; i < 4; i++) {
      if (f + i < count) storeSome(fours[i], place(i), (f + i) % NV == NV - 1 ? last : F32::lanes);
    }
  }
}
