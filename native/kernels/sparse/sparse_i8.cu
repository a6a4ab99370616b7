// Computes  y[i,j] = ending(Σ_k a[i,k]·b[k,j] + bias[j]), two of every four k of a column of b kept: gemm.inl on a GPU
// Shapes    as gemm.inl has them
// Numerics  sums in 32 bits, wrapping, and the ending in the same float operations as ending.inl: the bits of every other row
// Tiling    integer/gemm_i8.cu's loop of copies, sums and endings. Sparse matrix units have the sparse operand as their A, so the
//           transposed product runs: 16 columns of y by 8 rows and 64 bytes of k at a time. Rows of a by ldmatrix as there;
//           positions and values of b stand as lanes want them, 16 bytes a lane. A block has 128 x 128 results in 4 warps,
//           64 x 64, or 16 x 64 and 128 bytes of k. A step of a warp of 64 x 64 reads 6.5 KB for 32 products, 52 cycles of
//           shared memory by 64 of the units at 4096 products a cycle (sm_80). Compiled and emulated; not yet run on a GPU
//           nvcc 13, sm_80, registers: 128x128 254, 64x64 93, 16x64 69; none spilled
// Packing   sparse_fragments (fragments.h)
// Source    our own; MMA and its fragments: PTX ISA, mma.sp.m16n8k64, and the sources named in fragments.h
#include "kernels/integer/product.cuh"

namespace dsnk {

struct SparseLargeTile {
  static constexpr IntegerTile tile = kSparseLarge;
};
struct SparseMiddleTile {
  static constexpr IntegerTile tile = kSparseMiddle;
};
struct SparseFlatTile {
  static constexpr IntegerTile tile = kSparseFlat;
};

// The panels of b of the columns of a tile. Beyond the last one the last is read again, since all words of positions must be
// sound ones; k is filled up to whole steps.
template <class T>
struct FragmentPanels {
  static constexpr IntegerTile tile = T::tile;
  static constexpr int unit = fragmentUnitBytes(1), units = tile.depth / kFragmentDepth, each = units * unit / kChunk;
  static constexpr int all = tile.columns / kFragmentColumns * each,
                       passes = (all + tile.threads() - 1) / tile.threads();
  static_assert(128 % tile.depth == 0, "k is padded to 128");
  const std::byte* from[passes];

  __device__ __forceinline__ FragmentPanels(const std::byte* b, int64_t n, int64_t k, int64_t column, int64_t k0) {
    const int64_t panelBytes = (k + 127) / 128 * 2 * unit, last = (n - 1) / kFragmentColumns;
#pragma unroll
    for (int i = 0; i < passes; i++) {
      const int at = static_cast<int>(threadIdx.x) + i * tile.threads();
      const int64_t panel = column / kFragmentColumns + at / each;
      from[i] = b + (panel < last ? panel : last) * panelBytes + k0 / kFragmentDepth * unit + at % each * kChunk;
    }
  }

  __device__ __forceinline__ void load(unsigned char* stage) {
#pragma unroll
    for (int i = 0; i < passes; i++) {
      const int at = static_cast<int>(threadIdx.x) + i * tile.threads();
      if (at < all) copy_async16(stage + tile.aBytes() + at * kChunk, from[i]);
      from[i] += units * unit;
    }
  }
};

// Sums in sparse tensor cores. A warp has warpRows x warpColumns of them: products of 8 rows, 16 columns and 64 bytes of k.
template <class T>
struct SparseSums {
  using Weights = FragmentPanels<T>;
  static constexpr IntegerTile tile = T::tile;
  static constexpr int high = tile.warpRows / 8, wide = tile.warpColumns / 16;
  static constexpr int quads = high * wide, rows = 2 * high, columns = 2 * wide, run = 1;
  static constexpr int units = tile.depth / kFragmentDepth, unit = fragmentUnitBytes(1);
  int32_t v[quads][4];
  int firstRow, firstColumn, aPlace, aChunk, bPlace, bTile;

  __device__ __forceinline__ SparseSums() {
    const int l = lane(), w = warp(), down = tile.rows / tile.warpRows;
    firstRow = w % down * tile.warpRows;
    firstColumn = w / down * tile.warpColumns;
    // Lane l says where row l % 8 of matrix l / 8 is: the four chunks of 64 bytes of a.
    const int row = firstRow + l % 8;
    aPlace = row * tile.depth;
    aChunk = placeOfA(row, l / 8, tile.chunks()) - aPlace;
    bPlace = tile.aBytes() + firstColumn / kFragmentColumns * units * unit + l * 16;
    bTile = firstColumn % kFragmentColumns / 16;
    firstRow += l % 4 * 2;
    firstColumn += l / 4;
#pragma unroll
    for (int q = 0; q < quads; q++) v[q][0] = v[q][1] = v[q][2] = v[q][3] = 0;
  }
  // Of the tile: of this thread's row r and column c.
  __device__ __forceinline__ int rowOf(int r) const { return firstRow + r / 2 * 8 + r % 2; }
  __device__ __forceinline__ int columnOf(int c) const { return firstColumn + c * 8; }
  __device__ __forceinline__ int32_t sum(int r, int c) const { return v[c / 2 * high + r / 2][c % 2 * 2 + r % 2]; }

  __device__ __forceinline__ void multiply(const unsigned char* stage) {
#pragma unroll
    for (int s = 0; s < units; s++) {
      const unsigned char* from = stage + bPlace + s * unit;
      u32x4 values[wide];
      uint32_t positions[wide];
      if constexpr (wide == 4) {
        const u32x4 all = load16(from);
#pragma unroll
        for (int i = 0; i < 4; i++) positions[i] = all.v[i];
      } else {
#pragma unroll
        for (int i = 0; i < wide; i++) positions[i] = loadWord(from + (bTile + i) * 4);
      }
#pragma unroll
      for (int i = 0; i < wide; i++) values[i] = load16(from + kPositionBytes + (bTile + i) * 512);
#pragma unroll
      for (int j = 0; j < high; j++) {
        uint32_t a[4];
        load_matrices4(a, stage + aPlace + j * 8 * tile.depth + (aChunk ^ s * kFragmentDepth));
#pragma unroll
        for (int i = 0; i < wide; i++) mma_sparse_s8u8(v[i * high + j], values[i].v, a, positions[i]);
      }
    }
  }
};

template <class T>
__device__ __forceinline__ void sparseTile(const GpuWork& w, const IntegerGemmParams& p) {
  productTile<T, SparseSums<T>>(
      w, p, p.residualRow, {p.m, p.n, p.k, 0}, w.at<const std::byte>(2),
      [&](int64_t row, int64_t k0) { return MatrixRows<T>(w.at<const uint8_t>(1), p.lda, row, p.m, p.k, k0); });
}

DSNK_ENTRY_FROM(80, 128, 2, sparse_gemm_i8_128x128, IntegerGemmParams) { sparseTile<SparseLargeTile>(work, params); }
DSNK_ENTRY_FROM(80, 128, 4, sparse_gemm_i8_64x64, IntegerGemmParams) { sparseTile<SparseMiddleTile>(work, params); }
DSNK_ENTRY_FROM(80, 128, 4, sparse_gemm_i8_16x64, IntegerGemmParams) { sparseTile<SparseFlatTile>(work, params); }

}  // namespace dsnk
