// Codes times integers by SDOT, which takes both as signed: codes up to 15 are, bytes are taken around 128.
constexpr int kCodeRows = 6, kCodePanels = 4;
constexpr int codeOffset(int bits) { return bits == 8 ? 128 : 0; }

template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  int8x16_t w = vreinterpretq_s8_s32(codes.v);
  if constexpr (bits == 8) w = veorq_s8(w, vdupq_n_s8(-128));
  acc.v = vdotq_s32(acc.v, w, vreinterpretq_s8_s32(q.v));
}
