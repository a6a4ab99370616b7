// Computes  y = ending(Σ_k r(a[i,k])·w[k,j]), two of every four k of a column of w kept, with weights of 16 bits:
//           `sparse_gemm` of f32f16 and f32bf16
// Shapes    as the contract says
// Numerics  narrow/product_16.cuh, sums of 32 products; what is not kept is not multiplied
// Tiling    narrow/product_16.cuh's loop: rows are rounded on their way into shared memory, weights copied past the registers.
//           Sparse matrix units have the sparse operand as their A, so the transposed product runs: 16 columns of y by 8 rows
//           and 32 k at a time. Rows by ldmatrix, their 16-byte pieces turned by the row; positions and values stand as lanes
//           want them, 16 bytes a lane; a word of positions serves two products, by the selector. 128 x 128 in 8 warps, 64 x 64
//           and 16 x 64 in 4 (tiles_cuda.h). Compiled and emulated; not yet run on a GPU
//           nvcc 13, sm_80, registers: 128x128 215, 64x64 160, 16x64 96; none spilled
// Packing   sparse_fragments (fragments.h)
// Source    our own; MMA and its fragments: PTX ISA, mma.sp.m16n8k32, and the sources named in fragments.h
#include "kernels/integer/product_tiles.h"
#include "kernels/narrow/product_16.cuh"
#include "kernels/sparse/tiles_cuda.h"

namespace dsnk {

struct SparseHalves : HalvesOnGpu {
  static constexpr int headBytes = 4 * kFragmentColumns;
  template <int kSelector>
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                                  uint32_t positions) {
    mma_sparse_f16<kSelector>(d, a, b, positions);
  }
  __device__ __forceinline__ static float scale(const std::byte* panel, int column) {
    return reinterpret_cast<const float*>(panel)[column];
  }
};

struct SparseBfloats : BfloatsOnGpu {
  static constexpr int headBytes = 0;
  template <int kSelector>
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                                  uint32_t positions) {
    mma_sparse_bf16<kSelector>(d, a, b, positions);
  }
  __device__ __forceinline__ static float scale(const std::byte*, int) { return 1.0f; }
};

// The panels of b from that of a tile's first column on. Beyond the last one the last is read again, since all words of
// positions must be sound ones; k is filled up to whole steps.
template <class Type, class T>
struct FragmentPanels16 {
  const std::byte* panels;
  int64_t bytes, last;

  __device__ __forceinline__ FragmentPanels16(const std::byte* b, int64_t n, int64_t k, int64_t column)
      : panels(b),
        bytes(k == 0 ? 0 : Type::headBytes + (k + T::depth - 1) / T::depth * T::unit),
        last((n - 1) / kFragmentColumns - column / kFragmentColumns) {
    panels += column / kFragmentColumns * bytes;
  }
  __device__ __forceinline__ const std::byte* panel(int i) const { return panels + (i < last ? i : last) * bytes; }
};

// The products of 32 k: step kStep of a unit.
template <class Type, class T, int kStep>
__device__ __forceinline__ void multiply_step(float (&sums)[T::high][T::wide][4], const unsigned char* rows, int aPlace,
                                              const unsigned char* values, const uint32_t (&positions)[T::wide]) {
  u32x4 w[T::wide];
#pragma unroll
  for (int i = 0; i < T::wide; i++) w[i] = load16(values + (kStep * 4 + i) * 512);
#pragma unroll
  for (int j = 0; j < T::high; j++) {
    uint32_t a[4];
    load_matrices4(a, rows + j * 8 * T::depth * 2 + (aPlace ^ kStep * 64));
#pragma unroll
    for (int i = 0; i < T::wide; i++) Type::template multiply<kStep>(sums[j][i], w[i].v, a, positions[i]);
  }
}

// The sums of `steps` steps, for the rows where `a` stands; the last step has `last` k. begin: k where they begin.
template <class Type, class T>
__device__ __forceinline__ void sparse_sums_16(float (&sums)[T::high][T::wide][4], unsigned char* shared, MatrixRows& a,
                                               const FragmentPanels16<Type, T>& weights, int64_t begin, int steps,
                                               int last) {
  const int t = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int j = 0; j < T::high; j++) {
#pragma unroll
    for (int i = 0; i < T::wide; i++) sums[j][i][0] = sums[j][i][1] = sums[j][i][2] = sums[j][i][3] = 0.0f;
  }
  constexpr int kEach = T::unit / 16, kPasses = (T::pieces + T::threads - 1) / T::threads;
  const auto copy = [&](int step) {
    unsigned char* to = shared + step % T::stages * T::stage + T::bytesA;
    const int64_t from = Type::headBytes + (begin / T::depth + step) * T::unit;
#pragma unroll
    for (int i = 0; i < kPasses; i++) {
      const int at = t + i * T::threads;
      if (at < T::pieces) copy_async16(to + at * 16, weights.panel(at / kEach) + from + at % kEach * 16);
    }
  };
  Quad next[T::quadsA];
  constexpr int kQuads = T::depth / 4, kRowStep = T::threads / kQuads;
  const auto load = [&](int step) { a.template quads<T::depth, kRowStep>(next, step == steps - 1 ? last : T::depth); };
  const auto put = [&](int step) {
    unsigned char* to = shared + step % T::stages * T::stage;
#pragma unroll
    for (int i = 0; i < T::quadsA; i++) {
      const int row = t / kQuads + i * kRowStep, quad = t % kQuads;
      store8(to + placeOfA(row, quad / 2, T::depth / 8) + quad % 2 * 8, Type::rounded(next[i]));
    }
  };

#pragma unroll
  for (int s = 0; s < T::stages - 1; s++) {
    if (s < steps) copy(s);
    commit_copies();
  }
  if (steps > 0) {
    load(0);
    put(0);
  }
  const int l = lane(), warpRow = warp() / T::warpsAcross * T::warpRows;
  const int warpColumn = warp() % T::warpsAcross * T::warpColumns, bTile = warpColumn % kFragmentColumns / 16;
  // Lane l says where row l % 8 of matrix l / 8 is: the four pieces of 32 k of a row.
  const int aPlace = placeOfA(l % 8, l / 8, T::depth / 8);
  const int bPlace = T::bytesA + warpColumn / kFragmentColumns * T::unit + l * 16;
#pragma unroll 1
  for (int step = 0; step < steps; step++) {
    wait_copies<T::stages - 2>();
    sync_block();
    if (step + T::stages - 1 < steps) copy(step + T::stages - 1);
    commit_copies();
    if (step + 1 < steps) {
      a.template move<T::depth>();
      load(step + 1);
    }
    const unsigned char* stage = shared + step % T::stages * T::stage;
    const unsigned char *rows = stage + warpRow * T::depth * 2, *values = stage + bPlace + kPositionBytes + bTile * 512;
    uint32_t positions[T::wide];
    if constexpr (T::wide == 4) {
      const u32x4 all = load16(stage + bPlace);
#pragma unroll
      for (int i = 0; i < 4; i++) positions[i] = all.v[i];
    } else {
#pragma unroll
      for (int i = 0; i < T::wide; i++) {
        positions[i] = *reinterpret_cast<const uint32_t*>(stage + bPlace + (bTile + i) * 4);
      }
    }
    multiply_step<Type, T, 0>(sums, rows, aPlace, values, positions);
    multiply_step<Type, T, 1>(sums, rows, aPlace, values, positions);
    if (step + 1 < steps) put(step + 1);
  }
  wait_copies<0>();
  sync_block();
}

// Ends the sums of a tile, 16 rows of every warp at a time.
template <class Type, class T>
__device__ __forceinline__ void sparse_finish_16(float (&sums)[T::high][T::wide][4], unsigned char* shared,
                                                 const FragmentPanels16<Type, T>& weights, const Ending& ending,
                                                 int64_t m, int64_t n, int64_t row0, int64_t column0) {
  auto* slab = reinterpret_cast<float*>(shared);
  const int down = warp() / T::warpsAcross, warpColumn = warp() % T::warpsAcross * T::warpColumns;
#pragma unroll 1
  for (int part = 0; part < T::high / 2; part++) {
#pragma unroll
    for (int i = 0; i < T::wide; i++) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const int column = warpColumn + i * 16 + h * 8 + lane() / 4;
        const float scale = weights.bytes != 0
                                ? Type::scale(weights.panel(column / kFragmentColumns), column % kFragmentColumns)
                                : 1.0f;
        float* to = slab + (down * 16 + lane() % 4 * 2) * T::pitchSums + column;
#pragma unroll
        for (int r = 0; r < 4; r++) to[(r / 2 * 8 + r % 2) * T::pitchSums] = sums[r / 2][i][h * 2 + r % 2] * scale;
      }
    }
    // What is left moves up: the code below exists once, and what is stored holds no registers in it.
#pragma unroll
    for (int j = 0; j < T::high; j++) {
#pragma unroll
      for (int i = 0; i < T::wide; i++) {
#pragma unroll
        for (int r = 0; r < 4; r++) sums[j][i][r] = j + 2 < T::high ? sums[j + 2 < T::high ? j + 2 : j][i][r] : 0.0f;
      }
    }
    sync_block();
    finish_part<T>(slab, part, ending, m, n, row0, column0);
  }
}

template <class Type, class T>
__device__ __forceinline__ void sparse_gemm_16(const GpuWork& work, const GemmParams& p) {
  const GpuCut cut = cut_of(work);
  const GpuTile tile = tile_of(work, cut);
  float sums[T::high][T::wide][4];
  const FragmentPanels16<Type, T> weights(work.at<const std::byte>(2), p.n, p.k, tile.n * T::columns);
  {
    const int64_t begin = tile.split * cut.splitDepth;
    const int64_t depth = p.k - begin < cut.splitDepth ? p.k - begin : cut.splitDepth;
    MatrixRows a(work.at<const float>(1), p.lda, 1, p.m);
    a.start<T::rows, T::depth>(tile.m * T::rows, begin);
    sparse_sums_16<Type, T>(sums, shared_memory(), a, weights, begin,
                            static_cast<int>((depth + T::depth - 1) / T::depth),
                            static_cast<int>((depth + T::depth - 1) % T::depth) + 1);
  }
  const Ending ending = cut.splits > 1 ? partial_ending(work, cut, tile, p.m, p.n) : matrix_ending(work, p, 0);
  sparse_finish_16<Type, T>(sums, shared_memory(), weights, ending, p.m, p.n, tile.m * T::rows, tile.n * T::columns);
}

#define DSNK_SPARSE_ENTRIES_16(Type, name)                                \
  DSNK_ENTRY_FROM(80, 256, 1, sparse_gemm_##name##_128x128, GemmParams) { \
    sparse_gemm_16<Type, SparseLarge16>(work, params);                    \
  }                                                                       \
  DSNK_ENTRY_FROM(80, 128, 3, sparse_gemm_##name##_64x64, GemmParams) {   \
    sparse_gemm_16<Type, SparseSmall16>(work, params);                    \
  }                                                                       \
  DSNK_ENTRY_FROM(80, 128, 4, sparse_gemm_##name##_16x64, GemmParams) {   \
    sparse_gemm_16<Type, SparseFew16>(work, params);                      \
  }
DSNK_SPARSE_ENTRIES_16(SparseHalves, f16)
DSNK_SPARSE_ENTRIES_16(SparseBfloats, bf16)

DSNK_ENTRY_FROM(80, 256, 0, sparse_gemm_sum, GemmParams) {
  finish_splits(work, params.m, params.n, [&](int64_t) { return matrix_ending(work, params, 0); });
}

}  // namespace dsnk
