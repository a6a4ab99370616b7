// Computes  y = ending(Σ_k a[i,k]·b[k,j]) of float32: one block's tile, whatever a and b are read from
// Shapes    a: rows by a source (`rows.cuh`, conv/windows.cuh); b: columns by a source (`columns.cuh`); y by an Ending
// Numerics  one fma chain per output in ascending k, from 0; where k is split, one chain a split, added in order of the
//           splits. How k is split depends on the shape and the GPU, so that results are the same in every run
// Tiling    a block of rows × columns, a warp 4·height × 8·width of it, a thread height × width in quads: a step of k is
//           4 loads of 16 bytes from shared memory for 64 fma (8x8). The next step's operands come from memory into
//           registers while this one is multiplied, and go to the other half of shared memory: one barrier a step. No
//           asynchronous copies: the rows are transposed on their way, and the code is the same on every architecture.
//           Registers (nvcc 13, sm_80): 128x128 128 for 2 blocks, 128x64 149, 64x64 106 … 116, 128x32 109 … 114; nothing
//           spilled. Compiled and emulated; not yet run on a GPU
// Packing   b: panels of 32 columns [k][32], as gemm_pack_b and conv_pack write them for nr 32
// Source    the blocking is the usual one; see Volkov & Demmel, Benchmarking GPUs to tune dense linear algebra (2008)
#pragma once
#include "kernels/epilogue/epilogue.cuh"
#include "kernels/gemm/split.h"

namespace dsnk {

template <int inRows, int inColumns, int inDepth, int inHeight, int inWidth>
struct FloatTile {
  static constexpr int rows = inRows, columns = inColumns, depth = inDepth, height = inHeight, width = inWidth;
  static constexpr int threads = rows / height * (columns / width);
  // A warp has 4 rows of 8 threads.
  static constexpr int warpRows = 4 * height, warpColumns = 8 * width, warpsAcross = columns / warpColumns;
  // Rows of shared memory, one a k. Their ends keep the quads of a step that are written column by column apart.
  static constexpr int pitchA = rows + 4, pitchB = columns + 4;
  static constexpr int half = depth * (pitchA + pitchB);
  static constexpr int quadsA = rows * depth / 4 / threads, quadsB = columns * depth / 4 / threads;
  // Sums leave by way of shared memory, one quad of a thread's rows after the other.
  static constexpr int parts = height / 4, partRows = rows / parts, pitchSums = columns + 8;
  static constexpr int floats = 2 * half > partRows* pitchSums ? 2 * half : partRows* pitchSums;
  static_assert(rows % warpRows == 0 && columns % warpColumns == 0 && height % 4 == 0 && width % 4 == 0, "whole warps");
  static_assert(quadsA >= 1 && quadsB >= 1 && quadsA * threads * 4 == rows * depth, "whole quads a thread");
  static_assert(quadsB * threads * 4 == columns * depth && threads % (depth / 4) == 0, "whole quads a thread");
};

// Writes quads that lie along k to shared memory, where k is slow: quad i of a thread is of row first + i·step.
template <int count, int pitch>
__device__ __forceinline__ void store_across(float* to, const Quad (&q)[count], int k, int first, int step) {
#pragma unroll
  for (int i = 0; i < count; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) to[(k + j) * pitch + first + i * step] = q[i].v[j];
  }
}

// The sums of k in [begin, end), for the rows that `a` and the columns that `b` begin at.
template <class T, class A, class B>
__device__ __forceinline__ void float_sums(float (&sums)[T::height][T::width], float* shared, A& a, B& b, int64_t begin,
                                           int64_t end) {
  constexpr int kQuads = T::depth / 4;
  const int ka = static_cast<int>(threadIdx.x) % kQuads * 4, rowA = static_cast<int>(threadIdx.x) / kQuads;
  // This thread's rows and columns of the tile, in quads of 16 rows and 32 columns of its warp.
  const int warpRow = warp() / T::warpsAcross * T::warpRows, warpColumn = warp() % T::warpsAcross * T::warpColumns;
  const int row = warpRow + lane() / 8 * 4, column = warpColumn + lane() % 8 * 4;

#pragma unroll
  for (int r = 0; r < T::height; r++) {
#pragma unroll
    for (int c = 0; c < T::width; c++) sums[r][c] = 0.0f;
  }
  Quad nextA[T::quadsA], nextB[T::quadsB];
  // All steps but the last are whole.
  auto steps = static_cast<int>((end - begin + T::depth - 1) / T::depth);
  const int last = static_cast<int>((end - begin - 1) % T::depth) + 1;
  const auto load = [&] {
    const int left = steps == 1 ? last : T::depth;
    a.template load<T>(nextA, left);
    b.template load<T>(nextB, left);
  };
  const auto put = [&](float* half) {
    store_across<T::quadsA, T::pitchA>(half, nextA, ka, rowA, T::threads / kQuads);
    b.template put<T>(half + T::depth * T::pitchA, nextB);
  };
  if (steps > 0) {
    load();
    put(shared);
  }
  sync_block();
  int half = 0;
#pragma unroll 1
  while (steps > 0) {
    steps--;
    if (steps > 0) {
      a.template advance<T>();
      b.template advance<T>();
      load();
    }
    const float* at = shared + half * T::half;
    const float *sharedA = at + row, *sharedB = at + T::depth * T::pitchA + column;
#pragma unroll
    for (int i = 0; i < T::depth; i++) {
      Quad av[T::height / 4], bv[T::width / 4];
#pragma unroll
      for (int r = 0; r < T::height / 4; r++) av[r] = load_quad(sharedA + i * T::pitchA + r * 16);
#pragma unroll
      for (int c = 0; c < T::width / 4; c++) bv[c] = load_quad(sharedB + i * T::pitchB + c * 32);
#pragma unroll
      for (int r = 0; r < T::height; r++) {
#pragma unroll
        for (int c = 0; c < T::width; c++) sums[r][c] = fmaf(av[r / 4].v[r % 4], bv[c / 4].v[c % 4], sums[r][c]);
      }
    }
    half ^= 1;
    if (steps > 0) put(shared + half * T::half);
    sync_block();
  }
}

// Ends the sums of a tile: by way of shared memory, part p being quad p of every thread's rows.
template <class T>
__device__ __forceinline__ void finish_sums(float (&sums)[T::height][T::width], float* shared, const Ending& ending,
                                            int64_t m, int64_t n, int64_t row0, int64_t column0) {
  const int warpRow = warp() / T::warpsAcross * T::warpRows, warpColumn = warp() % T::warpsAcross * T::warpColumns;
  const int slot = warpRow / T::parts + lane() / 8 * 4, column = warpColumn + lane() % 8 * 4;
  const int columns = static_cast<int>(n - column0 < T::columns ? n - column0 : T::columns);
#pragma unroll 1
  for (int part = 0; part < T::parts; part++) {
#pragma unroll
    for (int r = 0; r < 4; r++) {
#pragma unroll
      for (int c = 0; c < T::width / 4; c++) {
        Quad q;
#pragma unroll
        for (int j = 0; j < 4; j++) q.v[j] = sums[r][c * 4 + j];
        store_quad(shared + (slot + r) * T::pitchSums + column + c * 32, q);
      }
    }
    // What is left moves up: the code below exists once, and what is stored holds no registers in it.
#pragma unroll
    for (int r = 0; r < T::height; r++) {
#pragma unroll
      for (int c = 0; c < T::width; c++) sums[r][c] = r + 4 < T::height ? sums[r + 4][c] : 0.0f;
    }
    sync_block();
    // Every 16 rows of a part are 16 rows of the tile.
#pragma unroll 1
    for (int group = 0; group < T::partRows / 16; group++) {
      const int64_t first = row0 + (group * T::parts + part) * 16;
      if (first >= m) break;
      const int rows = static_cast<int>(m - first < 16 ? m - first : 16);
      finish_rows<T::threads, T::columns>(shared + group * 16 * T::pitchSums, T::pitchSums, rows, columns,
                                          ending.at(first, column0));
    }
    sync_block();
  }
}

}  // namespace dsnk
