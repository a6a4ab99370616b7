// The inner loop of the register tiles over bytes where no instruction adds products of bytes to 32-bit sums.
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j], a and b signed bytes
// Shapes    p: MR pointers to k words of four bytes, k a multiple of 4; b: panels of four columns, sixteen k of a column
//           together; panels panelStride words apart
// Numerics  exact: 16 bits hold a product of two bytes, but not two products of -128 and -128, so that each eight are
//           added to the sums alone
// Tiling    a sum is a vector over k until the end. 4x4: 16 sums, 4 of a, one of b, two of products: 23 of 32 registers;
//           8 loads for 64 instructions of 16 products in four
// Packing   none of its own
// Source    our own

// sum of four lanes each
DSNK_INLINE int32x4_t sumsOf(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
#if defined(__aarch64__)
  return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
#else
  const auto half = [](int32x4_t x)
                        __attribute__((always_inline)) { return vadd_s32(vget_low_s32(x), vget_high_s32(x)); };
  return vcombine_s32(vpadd_s32(half(a), half(b)), vpadd_s32(half(c), half(d)));
#endif
}

DSNK_INLINE void addProducts(int32x4_t& sum, int8x16_t a, int8x16_t b) {
  sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
  sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(a), vget_high_s8(b)));
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  static_assert(panel == 1 && stepFloats == 4, "panels of four columns");
  constexpr int columns = 4 * NV;
  int32x4_t sums[MR][columns];
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int c = 0; c < columns; c++) sums[r][c] = vdupq_n_s32(0);
  }
  const int8_t* row[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] = reinterpret_cast<const int8_t*>(p[r]);
  const auto* column = reinterpret_cast<const int8_t*>(b);
  const auto stride = static_cast<intptr_t>(panelStride * 4);
  for (auto left = static_cast<intptr_t>(k); left > 0; left -= 4) {
    int8x16_t a[MR];
    DSNK_UNROLL for (int r = 0; r < MR; r++, row[r - 1] += 16) a[r] = vld1q_s8(row[r]);
    DSNK_UNROLL for (int c = 0; c < columns; c++) {
      const int8x16_t v = vld1q_s8(column + c / 4 * stride + c % 4 * 16);
      DSNK_UNROLL for (int r = 0; r < MR; r++) addProducts(sums[r][c], a[r], v);
    }
    column += 64;
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const int32x4_t(&s)[columns] = sums[r];
      const int32x4_t four = sumsOf(s[4 * j], s[4 * j + 1], s[4 * j + 2], s[4 * j + 3]);
      t[r][j] = fromBits(bitsOf(t[r][j]) + I32{four});
    }
  }
}
