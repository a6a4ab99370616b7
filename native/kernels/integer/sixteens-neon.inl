// The inner loop of the register tiles over bytes where no instruction adds products of bytes to 32-bit sums.
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j], a and b signed bytes
// Shapes    p: MR pointers to k words of four bytes, k a multiple of 4; b: panels of four columns behind a head, sixteen
//           k of a column together; panels panelStride words apart
// Numerics  exact: 16 bits hold the sum of two products, unless both are (-128)·(-128). A panel that has a -128, as its
//           head says, adds each eight products to the sums alone
// Tiling    a sum is a vector over k until the end. 4x4: 16 sums, 4 of a, one or two of b and of products each: 26 of 32
//           registers; 8 loads for 48 instructions, three for 16 products (four with a -128), of which two go through
//           one pipe of Cortex-A72: 8 products a cycle. By llvm-mca (`npm run bench:mca`, all in
//           L1) that is reached: 32.2 cycles, also by 2x8, 1x16 and with a -128. Cortex-A53, by its rules of issue, takes
//           66 (with a -128 85): 3.9 products a cycle, for each of these instructions takes a cycle and each load of 128
//           bits two. Rejected there: 16-bit numbers multiplied by lane (SMLAL of four, 4 products a cycle at most
//           before any load). Left to Clang 19, 2x8 and 1x16 spill (0.80 and 0.52 of the ceiling of Cortex-A72)
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

template <bool paired>
DSNK_INLINE void addProducts(int32x4_t& sum, int8x16_t a, int8x16_t b) {
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
  if constexpr (paired) {
    sum = vpadalq_s16(sum, vmlal_s8(low, vget_high_s8(a), vget_high_s8(b)));
  } else {
    sum = vpadalq_s16(sum, low);
    sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(a), vget_high_s8(b)));
  }
}

// Sixteen k at a time; `paired` where no panel has a -128.
template <bool paired, int MR, int NV>
DSNK_INLINE void addSixteens(int32x4_t (&sums)[MR][4 * NV], const float* const (&p)[MR], const float* b,
                             int64_t panelStride, int64_t k) {
  const int8_t* row[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] = reinterpret_cast<const int8_t*>(p[r]);
  const auto* column = reinterpret_cast<const int8_t*>(b);
  const auto stride = static_cast<intptr_t>(panelStride * 4);
  for (auto left = static_cast<intptr_t>(k); left > 0; left -= 4) {
    int8x16_t a[MR];
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      a[r] = vld1q_s8(row[r]);
      row[r] += 16;
    }
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      DSNK_UNROLL for (int c = 0; c < 4; c++) {
        const int8x16_t v = vld1q_s8(column + j * stride + c * 16);
        DSNK_UNROLL for (int r = 0; r < MR; r++) addProducts<paired>(sums[r][4 * j + c], a[r], v);
      }
      if constexpr (NV > 1) {  // no next panel before this one is done: there are no registers for its products
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          DSNK_UNROLL for (int c = 0; c < 4; c++) asm volatile("" : "+w"(sums[r][4 * j + c])::"memory");
        }
      }
    }
    column += 64;
  }
}

// Words in front of a panel, and what they say: no weight of it is -128.
constexpr int kPanelHead = 4;
DSNK_INLINE bool isPaired(const float* panel) { return *reinterpret_cast<const int8_t*>(panel) == 0; }

template <int MR, int NV>
DSNK_INLINE void addSums(F32 (&t)[MR][NV], const int32x4_t (&sums)[MR][4 * NV]) {
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const int32x4_t(&s)[4 * NV] = sums[r];
      const int32x4_t four = sumsOf(s[4 * j], s[4 * j + 1], s[4 * j + 2], s[4 * j + 3]);
      t[r][j] = fromBits(bitsOf(t[r][j]) + I32{four});
    }
  }
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  static_assert(panel == 1 && stepFloats == 4, "panels of four columns");
  if (k == 0) return;
  int32x4_t sums[MR][4 * NV];
  DSNK_UNROLL for (int r = 0; r < MR; r++) { DSNK_UNROLL for (int c = 0; c < 4 * NV; c++) sums[r][c] = vdupq_n_s32(0); }
  bool paired = true;
  DSNK_UNROLL for (int j = 0; j < NV; j++) paired &= isPaired(b + j * panelStride);
  if (paired) {
    addSixteens<true, MR, NV>(sums, p, b + kPanelHead, panelStride, k);
  } else {
    addSixteens<false, MR, NV>(sums, p, b + kPanelHead, panelStride, k);
  }
  addSums(t, sums);
}
