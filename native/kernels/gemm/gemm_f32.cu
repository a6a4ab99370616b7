// Computes  `gemm` and `gemm_direct` of float32: gemm.inl has the formula
// Shapes    as the contracts say
// Numerics  product_f32.cuh; few rows: row_f32.cuh
// Tiling    128x128 where there are tiles enough, 64x64 else, 128x32 for few columns, rows_f32.cuh for up to 8 rows
// Packing   b: panels of 32 columns (gemm_pack_b), or as it stands
// Source    none
//
// 128x128 keeps to 128 registers, so that two blocks share a multiprocessor. CUDA 13 fits it; CUDA 11.8 spills for sm_80 in 8 to 11
// of the 666 instructions of the loop, 512 of which multiply: a second block is worth more than those.
#include "kernels/gemm/operands.cuh"
#include "kernels/gemm/rows_f32.cuh"

namespace dsnk {

template <class T, class P, class B>
__device__ __forceinline__ void gemm_tiles(const GpuWork& work, const P& p, int64_t strideRow, int64_t strideK,
                                           const B& columnsOf) {
  alignas(16) __shared__ float shared[T::floats];
  __shared__ GpuTile tile;
  const GpuCut cut = cut_of(work);
  if (threadIdx.x == 0) tile = tile_of(work, cut);
  sync_block();
  float sums[T::height][T::width];
  {
    MatrixRows a(work.at<const float>(1) + batch_offset(p, p.strideA, tile.batch), strideRow, strideK, p.m);
    auto b = columnsOf(work.at<const float>(2) + batch_offset(p, p.strideB, tile.batch));
    const int64_t begin = tile.split * cut.splitDepth, rest = p.k - begin;
    a.template begin<T>(tile.m * T::rows, begin);
    b.template begin<T>(tile.n * T::columns, begin);
    float_sums<T>(sums, shared, a, b, begin, begin + (rest < cut.splitDepth ? rest : cut.splitDepth));
  }
  const Ending ending = cut.splits > 1 ? partial_ending(work, cut, tile, p.m, p.n) : matrix_ending(work, p, tile.batch);
  finish_sums<T>(sums, shared, ending, p.m, p.n, tile.m * T::rows, tile.n * T::columns);
}

template <class T>
__device__ __forceinline__ void gemm_packed(const GpuWork& work, const GemmParams& p) {
  gemm_tiles<T>(work, p, p.transA != 0 ? 1 : p.lda, p.transA != 0 ? p.lda : 1,
                [&](const float* b) { return ColumnsByRow::panels(b, p.k, p.n); });
}

template <class T>
__device__ __forceinline__ void gemm_direct(const GpuWork& work, const GemmDirectParams& p) {
  gemm_tiles<T>(work, p, p.lda, 1, [&](const float* b) { return ColumnsByRow::matrix(b, p.ldb, p.n); });
}
template <class T>
__device__ __forceinline__ void gemm_direct_transposed(const GpuWork& work, const GemmDirectParams& p) {
  gemm_tiles<T>(work, p, p.lda, 1, [&](const float* b) { return ColumnsByColumn(b, p.ldb, p.n); });
}

// Up to R rows a block.
template <int R, class P>
__device__ __forceinline__ void gemm_rows(const GpuWork& work, const P& p, int64_t strideRow, int64_t strideK,
                                          int64_t strideB, int64_t strideBlock, bool packed) {
  alignas(16) __shared__ float shared[kRowsThreads / 32][R][kGpuPanel];
  const GpuCut cut = cut_of(work);
  const GpuTile tile = tile_of(work, cut);
  const int64_t row0 = tile.m * R, column0 = tile.n * kGpuPanel;
  const float* a = work.at<const float>(1) + batch_offset(p, p.strideA, tile.batch) + row0 * strideRow;
  const float* b = work.at<const float>(2) + batch_offset(p, p.strideB, tile.batch) + tile.n * strideBlock;
  const int rows = static_cast<int>(p.m - row0 < R ? p.m - row0 : R);
  const int columns = static_cast<int>(p.n - column0 < kGpuPanel ? p.n - column0 : kGpuPanel);
  const int64_t begin = tile.split * cut.splitDepth, rest = p.k - begin;
  row_sums<R>(shared, a, strideRow, strideK, rows, b, strideB, packed ? kGpuPanel : columns,
              aligned16(b) && (strideB & 3) == 0, begin, begin + (rest < cut.splitDepth ? rest : cut.splitDepth));
  const Ending ending = cut.splits > 1 ? partial_ending(work, cut, tile, p.m, p.n) : matrix_ending(work, p, tile.batch);
  finish_row_sums<R>(shared, rows, columns, ending.at(row0, column0));
}
template <int R>
__device__ __forceinline__ void gemm_packed_rows(const GpuWork& work, const GemmParams& p) {
  gemm_rows<R>(work, p, p.transA != 0 ? 1 : p.lda, p.transA != 0 ? p.lda : 1, kGpuPanel, p.k * kGpuPanel, true);
}
template <int R>
__device__ __forceinline__ void gemm_direct_rows(const GpuWork& work, const GemmDirectParams& p) {
  gemm_rows<R>(work, p, p.lda, 1, p.ldb, kGpuPanel, false);
}

using Large = FloatTile<128, 128, 8, 8, 8>;
using Small = FloatTile<64, 64, 16, 8, 4>;
using Narrow = FloatTile<128, 32, 16, 8, 4>;

DSNK_ENTRY(256, 2, gemm_f32_128x128, GemmParams) { gemm_packed<Large>(work, params); }
DSNK_ENTRY(128, 4, gemm_f32_64x64, GemmParams) { gemm_packed<Small>(work, params); }
DSNK_ENTRY(128, 4, gemm_f32_128x32, GemmParams) { gemm_packed<Narrow>(work, params); }
DSNK_ENTRY(256, 2, gemm_direct_f32_128x128, GemmDirectParams) { gemm_direct<Large>(work, params); }
DSNK_ENTRY(128, 4, gemm_direct_f32_64x64, GemmDirectParams) { gemm_direct<Small>(work, params); }
DSNK_ENTRY(128, 4, gemm_direct_f32_transposed_64x64, GemmDirectParams) { gemm_direct_transposed<Small>(work, params); }

DSNK_ENTRY(kRowsThreads, 4, gemm_f32_rows1, GemmParams) { gemm_packed_rows<1>(work, params); }
DSNK_ENTRY(kRowsThreads, 4, gemm_f32_rows4, GemmParams) { gemm_packed_rows<4>(work, params); }
DSNK_ENTRY(kRowsThreads, 2, gemm_f32_rows8, GemmParams) { gemm_packed_rows<8>(work, params); }
DSNK_ENTRY(kRowsThreads, 4, gemm_direct_f32_rows1, GemmDirectParams) { gemm_direct_rows<1>(work, params); }
DSNK_ENTRY(kRowsThreads, 4, gemm_direct_f32_rows4, GemmDirectParams) { gemm_direct_rows<4>(work, params); }
DSNK_ENTRY(kRowsThreads, 2, gemm_direct_f32_rows8, GemmDirectParams) { gemm_direct_rows<8>(work, params); }

DSNK_ENTRY(256, 0, gemm_f32_sum, GemmParams) {
  finish_splits(work, params.m, params.n, [&](int64_t i) { return matrix_ending(work, params, i); });
}
DSNK_ENTRY(256, 0, gemm_direct_f32_sum, GemmDirectParams) {
  finish_splits(work, params.m, params.n, [&](int64_t i) { return matrix_ending(work, params, i); });
}

}  // namespace dsnk
