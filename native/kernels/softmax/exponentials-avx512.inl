// exponentials.inl where bytes of a register can be looked up: the three low bytes of each number are tables of their own,
// whose sums are taken apart.
struct Curve {
  alignas(64) int32_t at[256 + F32::lanes];
  __m512i plane[3][4];
  explicit Curve(const int32_t* t) {
    uint8_t bytes[3][256];
    for (int d = 0; d < 256; d++) {
      at[255 - d] = t[d];
      for (int k = 0; k < 3; k++) bytes[k][255 - d] = static_cast<uint8_t>(static_cast<uint32_t>(t[d]) >> 8 * k);
    }
    for (int i = 256; i < 256 + F32::lanes; i++) at[i] = 0;
    for (int i = 0; i < 12; i++) plane[i / 4][i % 4] = _mm512_loadu_si512(bytes[i / 4] + i % 4 * 64);
  }
  uint64_t sum(int first, const uint8_t* x, int64_t n) const {
    const __m512i off = _mm512_set1_epi8(static_cast<char>(first)), zero = _mm512_setzero_si512();
    __m512i sums[3] = {zero, zero, zero};
    for (; n > 0; n -= 64, x += 64) {
      const __mmask64 some = n >= 64 ? ~uint64_t{0} : _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n));
      const __m512i at255 = _mm512_add_epi8(_mm512_maskz_loadu_epi8(some, x), off);
      const __mmask64 upper = _mm512_movepi8_mask(at255);
      _Pragma("GCC unroll 3") for (int k = 0; k < 3; k++) {
        const __m512i low = _mm512_maskz_permutex2var_epi8(some, plane[k][0], at255, plane[k][1]);
        const __m512i high = _mm512_permutex2var_epi8(plane[k][2], at255, plane[k][3]);
        const __m512i byte = _mm512_mask_blend_epi8(upper & some, low, high);
        sums[k] = _mm512_add_epi64(sums[k], _mm512_sad_epu8(byte, zero));
      }
    }
    const __m512i upperTwo = _mm512_add_epi64(sums[1], _mm512_slli_epi64(sums[2], 8));
    return static_cast<uint64_t>(_mm512_reduce_add_epi64(_mm512_add_epi64(sums[0], _mm512_slli_epi64(upperTwo, 8))));
  }
};
