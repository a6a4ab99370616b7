// Of two vectors of 16 bytes those that `picks` say, 8 of each.
constexpr int64_t kPickBytes = 16;
template <int64_t w>
DSNK_INLINE void pickBytes(const uint8_t* from, const uint8_t* picks, uint8_t* to) {
  const uint8x16_t at = vaddq_u8(vld1q_u8(picks), vcombine_u8(vdup_n_u8(0), vdup_n_u8(16)));
  const uint8x16x2_t both = {{vld1q_u8(from), vld1q_u8(from + 16)}};
  vst1q_u8(to, vqtbl2q_u8(both, at));
}
