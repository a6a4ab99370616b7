// Computes  y[i,j] = ending(Σ_k a[i,k]·b[k,j] + bias[j]): product.inl on a GPU
// Shapes    as product.inl has them
// Numerics  sums in 32 bits, wrapping, and the ending in the same float operations as ending.inl: the bits of every other row
// Tiling    a block of threads has 128 x 128 results and 64 bytes of k at a time, 64 x 64, or 16 x 64 and 128 bytes; where that
//           makes too few blocks, parts of k have their own and leave sums in scratch, which a second launch adds up. Three
//           or four steps are on their way (16-byte copies past the registers), turned so that neither copies nor ldmatrix
//           meet in a bank (product_tiles.h). sm72: four bytes at a time (DP4A), 64 x 64 by 256 threads.
//           nvcc 13, sm_80, registers: 128x128 126, 64x64 118, 16x64 72, dot 126; none spilled
// Packing   integer_pack with nr 64, kr 16: [⌈N/64⌉][16 bytes; K/16][64][16]. Eight columns of sixteen bytes are 128 bytes in a
//           row: what one matrix of ldmatrix is
// Source    our own; MMA and its fragments: PTX ISA, mma.m16n8k32 and mma.m8n8k16
#include "kernels/integer/product.cuh"

namespace dsnk {

template <class T, class Sums>
__device__ __forceinline__ void gemmTile(const GpuWork& w, const IntegerGemmParams& p) {
  productTile<T, Sums>(w, p, p.residualRow, {p.m, p.n, p.k, 0}, w.at<const std::byte>(2), [&](int64_t row, int64_t k0) {
    return MatrixRows<T>(w.at<const uint8_t>(1), p.lda, row, p.m, p.k, k0);
  });
}

DSNK_ENTRY_FROM(75, 256, 2, gemm_i8_128x128, IntegerGemmParams) {
  gemmTile<LargeTile, TensorSums<LargeTile>>(work, params);
}
DSNK_ENTRY_FROM(75, 128, 4, gemm_i8_64x64, IntegerGemmParams) {
  gemmTile<MiddleTile, TensorSums<MiddleTile>>(work, params);
}
DSNK_ENTRY_FROM(75, 128, 4, gemm_i8_16x64, IntegerGemmParams) {
  gemmTile<FlatTile, TensorSums<FlatTile>>(work, params);
}
DSNK_ENTRY(256, 2, gemm_i8_dot, IntegerGemmParams) { gemmTile<DotTile, DotSums<DotTile>>(work, params); }

}  // namespace dsnk
