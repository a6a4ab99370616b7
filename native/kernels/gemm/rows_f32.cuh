// Computes  the same sums as product_f32.cuh for a few rows of a: every number of b is read once and waits for nothing
// Shapes    up to R rows and 32 columns of y a block
// Numerics  32·splits chains of fma an output, of k ≡ i mod 32, added in a tree that depends on nothing
// Tiling    a warp reads 4 k of 32 columns, 512 bytes at once; 8 warps take turns. What bounds it is memory: 16 bytes a
//           thread and 4 loads ahead, 64 KB in flight on a multiprocessor with 4 blocks
// Packing   b: panels of 32 columns, or rows as they stand
// Source    none
#pragma once
#include "kernels/gemm/operands.cuh"

namespace dsnk {

constexpr int kRowsThreads = 256, kRowsDepth = 32;

// `b` stands at the block's first column; `columns` of its 32 may be read, four at a time where `wide`.
template <int R>
__device__ __forceinline__ void row_sums(float (*shared)[R][kGpuPanel], const float* a, int64_t strideRow,
                                         int64_t strideK, int rows, const float* b, int64_t strideB, int columns,
                                         bool wide, int64_t begin, int64_t end) {
  const int column = lane() % 8 * 4, k0 = warp() * 4 + lane() / 8;
  float sums[R][4] = {};
  a += (begin + k0) * strideK;
  b += (begin + k0) * strideB + column;
#pragma unroll 4
  for (int64_t k = begin + k0; k < end; k += kRowsDepth) {
    Quad q = {};
    if (wide && column + 4 <= columns) {
      q = load_quad(b);
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        if (column + j < columns) q.v[j] = b[j];
      }
    }
#pragma unroll
    for (int r = 0; r < R; r++) {
      const float x = r < rows ? a[r * strideRow] : 0.0f;
#pragma unroll
      for (int j = 0; j < 4; j++) sums[r][j] = fmaf(x, q.v[j], sums[r][j]);
    }
    a += kRowsDepth * strideK;
    b += kRowsDepth * strideB;
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    Quad q;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      q.v[j] = sums[r][j] + shuffle_xor(sums[r][j], 8);
      q.v[j] = q.v[j] + shuffle_xor(q.v[j], 16);
    }
    if (lane() < 8) store_quad(&shared[warp()][r][column], q);
  }
  sync_block();
}

// Ends the sums that the warps have left.
template <int R>
__device__ __forceinline__ void finish_row_sums(const float (*shared)[R][kGpuPanel], int rows, int columns,
                                                const Ending& ending) {
  const int row = static_cast<int>(threadIdx.x) / kGpuPanel, column = static_cast<int>(threadIdx.x) % kGpuPanel;
  if (row >= rows || column >= columns) return;
  float sum = shared[0][row][column];
  for (int w = 1; w < kRowsThreads / 32; w++) sum = sum + shared[w][row][column];
  ending.finish(sum, row, column);
}

}  // namespace dsnk
