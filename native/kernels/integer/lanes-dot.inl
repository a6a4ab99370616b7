// The inner loop of the register tiles over quads of bytes, on AArch64 with SDOT: that of gemm/lanes.inl, where one quad of
// a row, a lane, multiplies the quads of four columns. A quad travels as a float.
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j], a and b signed bytes, k in words of four
// Shapes    as lanes.inl
// Numerics  exact
// Tiling    as lanes.inl: 8x12 in 24 sums. By llvm-mca (neoverse-n1, all in L1) 96 SDOT take 48.1 cycles, 2 a cycle, which is
//           the ceiling; so do 7x12 … 5x12, 8x8, 2x24 and 2x36; 1x36 0.97. The instructions keep their order: left to
//           Clang 19, 8x12 spills three sums (53.1 cycles), as assembly it may move, 7x12 does (0.89). 4x24: 0.76 (spills)
// Packing   none of its own
// Source    as lanes.inl
#define DSNK_LANE_PRODUCT
template <int lane>
DSNK_INLINE F32 fmaLane(F32 a, F32 b, F32 acc) {
  asm volatile("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(acc.v) : "w"(b.v), "w"(a.v), "n"(lane));
  return acc;
}
#include "kernels/gemm/lanes.inl"
#undef DSNK_LANE_PRODUCT
