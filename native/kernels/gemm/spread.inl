// The inner loop of the register tiles on ARMv7, whose VFMA has no form that takes one lane of a vector.
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j]
// Shapes    as lanes.inl
// Numerics  every element is one chain of fma over k in ascending order
// Tiling    each element of a is loaded into all lanes (vld1.32 {d[], d[]}), on the load pipe, beside the FMAs; rows in
//           the order in which they stand. 6x8: 12 sums, 2 of b, one element: 15 of 16 registers; 23 instructions for 12
//           FMA, 8 of them loads. Rejected: four k of a row in a vector, one lane spread by vdup: a vector operation for
//           two FMA, and only 4x8 fits; VMLA takes a lane, but rounds the product. Two k a turn: 79 instructions for 24
//           FMA, for the compiler then loads ahead of itself and spills
// Packing   none of its own
// Source    our own

template <int panel, int MR, int NV>
DSNK_INLINE void multiplySpread(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, intptr_t step,
                                intptr_t panelStride, int64_t k) {
  for (auto left = static_cast<intptr_t>(k); left > 0; left--) {
    F32 bv[NV];
    DSNK_UNROLL for (int j = 0; j < NV; j++) bv[j] = F32::load(b + j / panel * panelStride + j % panel * F32::lanes);
    b += step;
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const F32 a = {vld1q_dup_f32(p[r])};
      p[r]++;
      // Nothing is loaded before its turn: there is no register for it.
      asm volatile("" : "+r"(p[r])::"memory");
      DSNK_UNROLL for (int j = 0; j < NV; j++) t[r][j] = fma(a, bv[j], t[r][j]);
    }
  }
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  multiplySpread<panel>(t, p, b, stepFloats, static_cast<intptr_t>(panelStride), k);
}

template <int MR, int NV>
DSNK_INLINE void multiplyColumns(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t step, int64_t k) {
  multiplySpread<NV>(t, p, b, static_cast<intptr_t>(step), 0, k);
}
