// The inner loop of the register tiles over bytes with products of 2x8 and 8x2 (USMMLA).
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j], a unsigned, b signed bytes
// Shapes    p: MR pointers to k words of four bytes, k a multiple of 2; b: panels of eight columns, eight k of a column
//           together; panels panelStride words apart
// Numerics  exact
// Tiling    a sum is two rows by two columns until the end. 8x8: 16 sums, 4 of a, 4 of the sixteen k that a load brings
//           (two rows are zipped into two k), one of b: 25 of 32 registers; 16 loads and 8 zips for 32 USMMLA. By llvm-mca
//           (all in L1) 20.1 cycles on neoverse-n2, 10.1 on neoverse-v2: 0.80 of the ceiling, as zips and products share
//           the vector units. Rows copied pair by pair would need no zips, and could not be read in place
// Packing   none of its own
// Source    our own

DSNK_INLINE uint8x16_t zipLow(uint8x16_t a, uint8x16_t b) {
  return vreinterpretq_u8_u64(vzip1q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}
DSNK_INLINE uint8x16_t zipHigh(uint8x16_t a, uint8x16_t b) {
  return vreinterpretq_u8_u64(vzip2q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

// Eight k: `a` are pairs of rows.
template <int pairs, int columnPairs>
DSNK_INLINE void multiplyEight(int32x4_t (&sums)[pairs][columnPairs], const uint8x16_t (&a)[pairs], const int8_t* b,
                               int64_t stride) {
  DSNK_UNROLL for (int c = 0; c < columnPairs; c++) {
    const int8x16_t v = vld1q_s8(b + c / 4 * stride + c % 4 * 16);
    DSNK_UNROLL for (int r = 0; r < pairs; r++) {
#if defined(__clang__)
      sums[r][c] = vusmmlaq_s32(sums[r][c], a[r], v);
#else
      asm("usmmla %0.4s, %1.16b, %2.16b" : "+w"(sums[r][c]) : "w"(a[r]), "w"(v));
#endif
    }
  }
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  static_assert(panel == 2 && stepFloats == 8, "panels of eight columns");
  constexpr int pairs = (MR + 1) / 2, columnPairs = 2 * NV;
  int32x4_t sums[pairs][columnPairs];
  DSNK_UNROLL for (int r = 0; r < pairs; r++) {
    DSNK_UNROLL for (int c = 0; c < columnPairs; c++) sums[r][c] = vdupq_n_s32(0);
  }
  const uint8_t* row[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] = reinterpret_cast<const uint8_t*>(p[r]);
  const auto* column = reinterpret_cast<const int8_t*>(b);
  const int64_t stride = panelStride * 4;
  constexpr auto below = [](int r) { return 2 * r + 1 < MR ? 2 * r + 1 : 2 * r; };  // an odd row beside itself
  int64_t left = k;
  for (; left >= 4; left -= 4) {
    uint8x16_t first[pairs], second[pairs];
    DSNK_UNROLL for (int r = 0; r < pairs; r++) {
      const uint8x16_t upper = vld1q_u8(row[2 * r]), lower = vld1q_u8(row[below(r)]);
      first[r] = zipLow(upper, lower);
      second[r] = zipHigh(upper, lower);
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] += 16;
    multiplyEight(sums, first, column, stride);
    multiplyEight(sums, second, column + 64, stride);
    column += 128;
  }
  if (left > 0) {
    uint8x16_t last[pairs];
    DSNK_UNROLL for (int r = 0; r < pairs; r++) { last[r] = vcombine_u8(vld1_u8(row[2 * r]), vld1_u8(row[below(r)])); }
    multiplyEight(sums, last, column, stride);
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const int64x2_t l = vreinterpretq_s64_s32(sums[r / 2][2 * j]), h = vreinterpretq_s64_s32(sums[r / 2][2 * j + 1]);
      const int64x2_t four = r % 2 == 0 ? vzip1q_s64(l, h) : vzip2q_s64(l, h);
      t[r][j] = fromBits(bitsOf(t[r][j]) + I32{vreinterpretq_s32_s64(four)});
    }
  }
}
