// Computes  y = ending(Σ_k r(a[i,k])·w[k,j]): one block's tile on the matrix units, float32 rows rounded to 16 bits on
//           their way into shared memory, packed weights of 16 bits
// Shapes    a: rows by a source (gemm/operands.cuh, conv/windows.cuh); w: panels of 32 columns, k padded to 32
// Numerics  operands as the type rounds them (half_pack, bfloat_pack); sums of 16 products in the matrix unit, added to a
//           float32 sum, which is exact to 2^-23 of the terms a step. Where k is split the splits are added in order
// Tiling    tiles_cuda.h. A step is 32 k. Weights are copied asynchronously stages - 1 steps ahead; rows are loaded into
//           registers one step ahead, while the step before is multiplied, rounded and stored: one barrier a step. All
//           pieces of 16 bytes are permuted so that no bank is asked twice (tiles_cuda.h). Registers (nvcc 13, sm_80):
//           128x128 172 … 181, 128x64 168, 64x64 120 … 126, 128x32 126 … 166, 16x128 108; nothing spilled. Compiled and
//           emulated; not yet run on a GPU
// Packing   as half_pack and bfloat_pack write it for nr 32, kr 32
// Source    PTX ISA, fragments of mma.m16n8k16
#pragma once
#include "kernels/gemm/operands.cuh"
#include "kernels/narrow/tiles_cuda.h"

namespace dsnk {

// Halves: a panel has its columns' scales in front, then 32 columns for each k.
struct HalvesOnGpu {
  static constexpr int64_t head = 2 * kGpuPanel;  // numbers
  __device__ __forceinline__ static u32x2 rounded(const Quad& q) {
    return {{pack_halves(q.v[0], q.v[1]), pack_halves(q.v[2], q.v[3])}};
  }
  __device__ __forceinline__ static float rounded(float x) { return to_float(from_float<half>(x)); }
  // Piece `i` of a panel's step, in the order of memory.
  static constexpr int piece(int panel, int i) { return halfPiece(panel, i >> 2, i & 3); }
  // Fragments of columns column … column+15 for 16 k from k0 on.
  __device__ __forceinline__ static void load(uint32_t (&b)[2][2], const unsigned char* shared, int column, int k0) {
    uint32_t r[4];
    const int piece = column % kGpuPanel / 8 + lane() / 16;
    load_matrices4_transposed(r, shared + halfPiece(column / kGpuPanel, k0 + lane() % 16, piece));
    b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_f16(d, a, b);
  }
  __device__ __forceinline__ static float scale(const uint16_t* panel, int column) {
    return reinterpret_cast<const float*>(panel)[column];
  }
  __device__ __forceinline__ static float weight(const uint16_t* panel, int64_t k, int column) {
    return to_float(half{panel[head + k * kGpuPanel + column]}) * scale(panel, column);
  }
};

// Bfloats: pairs of k of 32 columns.
struct BfloatsOnGpu {
  static constexpr int64_t head = 0;
  // Denormals become zeros, as the processor's rows have it.
  __device__ __forceinline__ static float flushed(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x; }
  __device__ __forceinline__ static u32x2 rounded(const Quad& q) {
    return {{pack_bfloats(flushed(q.v[0]), flushed(q.v[1])), pack_bfloats(flushed(q.v[2]), flushed(q.v[3]))}};
  }
  __device__ __forceinline__ static float rounded(float x) { return to_float(from_float<bfloat>(flushed(x))); }
  static constexpr int piece(int panel, int i) { return bfloatPiece(panel, i >> 3, i & 7); }
  __device__ __forceinline__ static void load(uint32_t (&b)[2][2], const unsigned char* shared, int column, int k0) {
#pragma unroll
    for (int j = 0; j < 2; j++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int at =
            bfloatWord(column / kGpuPanel, k0 / 2 + i * 4 + lane() % 4, column % kGpuPanel + j * 8 + lane() / 4);
        b[j][i] = *reinterpret_cast<const uint32_t*>(shared + at);
      }
    }
  }
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_bf16(d, a, b);
  }
  __device__ __forceinline__ static float scale(const uint16_t*, int) { return 1.0f; }
  __device__ __forceinline__ static float weight(const uint16_t* panel, int64_t k, int column) {
    return to_float(bfloat{panel[(k / 2 * kGpuPanel + column) * 2 + k % 2]});
  }
};

// Weights of one matrix: panels `stride` numbers apart, `k` padded; nullptr where there are none.
struct Panels16 {
  const uint16_t* w;
  int64_t stride, count;
  bool wide;  // pieces of 16 bytes begin at multiples of 16

  __device__ __forceinline__ Panels16(const uint16_t* packed, int64_t k, int64_t n, int64_t head)
      : w(k == 0 ? nullptr : packed),
        stride(head + (k + kStep16 - 1) / kStep16 * kStep16 * kGpuPanel),
        count((n + kGpuPanel - 1) / kGpuPanel),
        wide(aligned16(packed)) {}
};

// The sums of `steps` steps from k = begin on, for the rows where `a` stands and panels from panel0 on. The last step has
// `last` k; weights are padded with zeros.
template <class Type, class T, class A>
__device__ __forceinline__ void sums_16(float (&sums)[T::high][T::wide][4], unsigned char* shared, A& a,
                                        const Panels16& weights, int64_t panel0, int64_t begin, int steps, int last) {
  const int t = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < T::high; i++) {
#pragma unroll
    for (int j = 0; j < T::wide; j++) {
#pragma unroll
      for (int r = 0; r < 4; r++) sums[i][j][r] = 0.0f;
    }
  }
  // A panel's step are 128 pieces: this thread's, from `from` on, are of the same ones in every step.
  const uint16_t* from = weights.w + panel0 * weights.stride + Type::head + begin * kGpuPanel;
  const int64_t left = weights.count - panel0;
  const auto copy = [&](int step) {
    unsigned char* to = shared + step % T::stages * T::stage + T::bytesA;
#pragma unroll
    for (int i = 0; i < T::piecesB; i++) {
      const int index = t + i * T::threads, panel = index / 128, piece = index % 128;
      const bool take = panel < left;
      const uint16_t* at = take ? from + panel * weights.stride + (step * 128 + piece) * 8 : weights.w;
      unsigned char* place = to + Type::piece(panel, piece);
      if (weights.wide) {
        copy_async16(place, at, take);
      } else {
#pragma unroll
        for (int j = 0; j < 4; j++) copy_async4(place + j * 4, at + j * 2, take);
      }
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
      store8(to + rowPiece16(row, quad / 2) + quad % 2 * 8, Type::rounded(next[i]));
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
  const int warpRow = warp() / T::warpsAcross * T::warpRows, warpColumn = warp() % T::warpsAcross * T::warpColumns;
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
    const unsigned char *rows = shared + step % T::stages * T::stage, *columns = rows + T::bytesA;
#pragma unroll
    for (int k0 = 0; k0 < T::depth; k0 += 16) {
      uint32_t b[T::wide / 2][2][2];
#pragma unroll
      for (int j = 0; j < T::wide / 2; j++) Type::load(b[j], columns, warpColumn + j * 16, k0);
#pragma unroll
      for (int i = 0; i < T::high; i++) {
        uint32_t av[4];
        load_matrices4(av, rows + rowPiece16(warpRow + i * 16 + lane() % 16, k0 / 8 + lane() / 16));
#pragma unroll
        for (int j = 0; j < T::wide; j++) Type::multiply(sums[i][j], av, b[j / 2][j % 2]);
      }
    }
    if (step + 1 < steps) put(step + 1);
  }
  wait_copies<0>();
  sync_block();
}

// Ends 16 rows of every warp, part `part` of its rows, which all threads have left in `slab`.
template <class T>
__device__ __forceinline__ void finish_part(const float* slab, int part, const Ending& ending, int64_t m, int64_t n,
                                            int64_t row0, int64_t column0) {
  const int columns = static_cast<int>(n - column0 < T::columns ? n - column0 : T::columns);
#pragma unroll 1
  for (int group = 0; group < T::rows / T::warpRows; group++) {
    const int64_t first = row0 + group * T::warpRows + part * 16;
    if (first >= m) break;
    const int rows = static_cast<int>(m - first < 16 ? m - first : 16);
    finish_rows<T::threads, T::columns>(slab + group * 16 * T::pitchSums, T::pitchSums, rows, columns,
                                        ending.at(first, column0));
  }
  sync_block();
}

// Ends the sums of a tile, 16 rows of every warp at a time.
template <class Type, class T>
__device__ __forceinline__ void finish_16(float (&sums)[T::high][T::wide][4], unsigned char* shared,
                                          const Panels16& weights, const Ending& ending, int64_t m, int64_t n,
                                          int64_t row0, int64_t column0) {
  auto* slab = reinterpret_cast<float*>(shared);
  const int down = warp() / T::warpsAcross, warpColumn = warp() % T::warpsAcross * T::warpColumns;
#pragma unroll 1
  for (int part = 0; part < T::high; part++) {
#pragma unroll
    for (int j = 0; j < T::wide; j++) {
      const int column = warpColumn + j * 8 + lane() % 4 * 2;
      float* to = slab + (down * 16 + lane() / 4) * T::pitchSums + column;
#pragma unroll
      for (int c = 0; c < 2; c++) {
        const int64_t at = column0 + column + c;
        const bool some = at < n && weights.w != nullptr;
        const float scale =
            some ? Type::scale(weights.w + at / kGpuPanel * weights.stride, static_cast<int>(at % kGpuPanel)) : 1.0f;
        to[c] = sums[0][j][c] * scale;
        to[8 * T::pitchSums + c] = sums[0][j][2 + c] * scale;
      }
    }
    // What is left moves up: the code below exists once, and what is stored holds no registers in it.
#pragma unroll
    for (int i = 0; i < T::high; i++) {
#pragma unroll
      for (int j = 0; j < T::wide; j++) {
#pragma unroll
        for (int r = 0; r < 4; r++) sums[i][j][r] = i + 1 < T::high ? sums[i + 1 < T::high ? i + 1 : i][j][r] : 0.0f;
      }
    }
    sync_block();
    finish_part<T>(slab, part, ending, m, n, row0, column0);
  }
}

// One tile of a product: `a` stands at the matrix and has been started by `start`; `whole` is asked for the ending of sums
// that are not split.
template <class Type, class T, class A, class Whole>
__device__ __forceinline__ void tile_16(const GpuWork& work, unsigned char* shared, const GpuTile& tile, A& a,
                                        const uint16_t* packed, int64_t m, int64_t n, int64_t k, const Whole& whole) {
  const GpuCut cut = cut_of(work);
  float sums[T::high][T::wide][4];
  {
    const int64_t begin = tile.split * cut.splitDepth;
    const int64_t depth = k - begin < cut.splitDepth ? k - begin : cut.splitDepth;
    a.template start<T::rows, T::depth>(tile.m * T::rows, begin);
    sums_16<Type, T>(sums, shared, a, Panels16(packed, k, n, Type::head), tile.n * (T::columns / kGpuPanel), begin,
                     static_cast<int>((depth + T::depth - 1) / T::depth),
                     static_cast<int>((depth + T::depth - 1) % T::depth) + 1);
  }
  const Ending ending = cut.splits > 1 ? partial_ending(work, cut, tile, m, n) : whole();
  finish_16<Type, T>(sums, shared, Panels16(packed, k, n, Type::head), ending, m, n, tile.m * T::rows,
                     tile.n * T::columns);
}

}  // namespace dsnk
