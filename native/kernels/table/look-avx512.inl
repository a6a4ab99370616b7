// A table of 256 bytes in four registers: VPERMI2B looks into two of them.
struct WholeTable {
  __m512i part[4];
  inline __attribute__((always_inline)) __m512i look(__m512i x) const {
    const __m512i low = _mm512_permutex2var_epi8(part[0], x, part[1]);
    const __m512i high = _mm512_permutex2var_epi8(part[2], x, part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
  }
};

static void lookUp(const uint8_t* x, uint8_t* y, const uint8_t* table, int64_t n) {
  WholeTable t;
  for (int i = 0; i < 4; i++) t.part[i] = _mm512_loadu_si512(table + 64 * i);
  for (; n >= 256; n -= 256, x += 256, y += 256) {
    __m512i v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm512_loadu_si512(x + 64 * i);
    for (int i = 0; i < 4; i++) _mm512_storeu_si512(y + 64 * i, t.look(v[i]));
  }
  for (; n > 0; n -= 64, x += 64, y += 64) {
    const __mmask64 some = n >= 64 ? ~uint64_t{0} : _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n));
    _mm512_mask_storeu_epi8(y, some, t.look(_mm512_maskz_loadu_epi8(some, x)));
  }
}
