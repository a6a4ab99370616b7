// Codes times integers by SMULL: eight products of 16 bits from half a vector. Two of them add up in 16 bits (ADDP), and
// pairs go to words with SADALP: four instructions for 16 products. Codes up to 15 stay far below what 16 bits hold; bytes
// are taken as signed numbers around 128 instead: |w| ≤ 128 times |q| ≤ 127 twice is at most 32512.
constexpr int kCodeRows = kVectorRegisters == 32 ? 6 : 2, kCodePanels = kVectorRegisters == 32 ? 4 : 2, kFloatRows = 4;
constexpr int codeOffset(int bits) { return bits == 8 ? 128 : 0; }

DSNK_INLINE void accumulateFloats(F32& acc, F32 a, F32 w) { acc = fma(a, w, acc); }

DSNK_INLINE I32 largestBits(I32 a, I32 b) { return {vmaxq_s32(a.v, b.v)}; }

template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  int8x16_t w = vreinterpretq_s8_s32(codes.v);
  const int8x16_t x = vreinterpretq_s8_s32(q.v);
  if constexpr (bits == 8) w = veorq_s8(w, vdupq_n_s8(-128));
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
#if defined(__aarch64__)
  const int16x8_t pairs = vpaddq_s16(low, vmull_high_s8(w, x));
#else
  const int16x8_t high = vmull_s8(vget_high_s8(w), vget_high_s8(x));
  const int16x8_t pairs = vcombine_s16(vpadd_s16(vget_low_s16(low), vget_high_s16(low)),
                                       vpadd_s16(vget_low_s16(high), vget_high_s16(high)));
#endif
  acc.v = vpadalq_s16(acc.v, pairs);
}
