// A table of 256 bytes in sixteen registers: TBL gives zero for what lies outside of its 64 entries.
struct WholeTable {
  uint8x16x4_t part[4];
  explicit WholeTable(const uint8_t* table) {
    for (int i = 0; i < 4; i++) part[i] = vld1q_u8_x4(table + 64 * i);
  }
  inline __attribute__((always_inline)) uint8x16_t look(uint8x16_t x) const {
    const uint8x16_t second = veorq_u8(x, vdupq_n_u8(64)), third = veorq_u8(x, vdupq_n_u8(128));
    const uint8x16_t low = vorrq_u8(vqtbl4q_u8(part[0], x), vqtbl4q_u8(part[1], second));
    const uint8x16_t high = vorrq_u8(vqtbl4q_u8(part[2], third), vqtbl4q_u8(part[3], veorq_u8(third, vdupq_n_u8(64))));
    return vorrq_u8(low, high);
  }
};

static void lookUp(const uint8_t* x, uint8_t* y, const uint8_t* table, int64_t n) {
  const WholeTable t(table);
  for (; n >= 32; n -= 32, x += 32, y += 32) {
    const uint8x16_t a = vld1q_u8(x), b = vld1q_u8(x + 16);
    vst1q_u8(y, t.look(a));
    vst1q_u8(y + 16, t.look(b));
  }
  for (; n > 0; n--) *y++ = table[*x++];
}
