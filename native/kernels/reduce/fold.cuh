// Folding rows and columns on the GPU, in the order of fold.inl and strip.inl, so that sums have the bits of the CPU's rows:
// 64 virtual lanes of a row (two of each lane of a warp), joined by halving, blocks of 2048 elements joined in double; columns
// in blocks of 32 rows, joined by two-sum.
//
// A fold R has  static float identity()   static float fold(float a, float mapped)   static double join(double a, double b)

#pragma once
#include "cuda/elements.cuh"

namespace dsnk {

constexpr int kFoldBlock = 2048, kFoldRows = 32;

struct SumFold {
  static __device__ __forceinline__ float identity() { return 0.0f; }
  static __device__ __forceinline__ float fold(float a, float x) { return a + x; }
  static __device__ __forceinline__ double join(double a, double b) { return a + b; }
};
struct ProdFold {
  static __device__ __forceinline__ float identity() { return 1.0f; }
  static __device__ __forceinline__ float fold(float a, float x) { return a * x; }
  static __device__ __forceinline__ double join(double a, double b) { return a * b; }
};
// NaN passes: once in the accumulator it stays, and it enters although every comparison with it is false. The extremes of
// double are those of float: what is joined was a float.
struct MaxFold {
  static __device__ __forceinline__ float identity() { return -infinity(); }
  static __device__ __forceinline__ float fold(float a, float x) { return a < x || x != x ? x : a; }
  static __device__ __forceinline__ double join(double a, double b) { return a < b || b != b ? b : a; }
};
struct MinFold {
  static __device__ __forceinline__ float identity() { return infinity(); }
  static __device__ __forceinline__ float fold(float a, float x) { return x < a || x != x ? x : a; }
  static __device__ __forceinline__ double join(double a, double b) { return b < a || b != b ? b : a; }
};

// One warp: `count` elements in 1 … kFoldBlock, mapped(i) each. Every lane gets the result.
template <class R, class Mapped>
__device__ __forceinline__ float foldBlock(int64_t count, Mapped mapped) {
  float low = R::identity(), high = R::identity();
  const int64_t own = threadIdx.x % 32;
  int64_t i = own;
  for (; i + 32 < count; i += 64) {
    low = R::fold(low, mapped(i));
    high = R::fold(high, mapped(i + 32));
  }
  if (i < count) low = R::fold(low, mapped(i));
  low = R::fold(low, high);
  DSNK_UNROLLED
  for (int by = 16; by > 0; by /= 2) low = R::fold(low, shuffle_down(low, by));
  return shuffle(low, 0);
}

// Who folds a row: a warp by itself, or a block of 256 threads, whose warps take blocks of the row in turn.
struct WarpTeam {
  static constexpr int kThreads = 32;
  static __device__ __forceinline__ int thread() { return static_cast<int>(threadIdx.x % 32); }
  static __device__ __forceinline__ void sync() { sync_warp(); }
  static __device__ __forceinline__ int64_t first() {
    return static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  }
  static __device__ __forceinline__ int64_t step() { return static_cast<int64_t>(gridDim.x) * (blockDim.x / 32); }

  // Continues `total` with `count` more elements; every thread of the team gets the result.
  template <class R, class Mapped>
  static __device__ __forceinline__ double fold(double total, int64_t count, float*, Mapped mapped) {
    for (int64_t from = 0; from < count; from += kFoldBlock) {
      const int64_t part = count - from < kFoldBlock ? count - from : kFoldBlock;
      total = R::join(total, static_cast<double>(foldBlock<R>(part, [&](int64_t i) { return mapped(from + i); })));
    }
    return total;
  }
};
struct BlockTeam {
  static constexpr int kThreads = 256, kWarps = kThreads / 32;
  static __device__ __forceinline__ int thread() { return static_cast<int>(threadIdx.x); }
  static __device__ __forceinline__ void sync() { sync_block(); }
  static __device__ __forceinline__ int64_t first() { return blockIdx.x; }
  static __device__ __forceinline__ int64_t step() { return gridDim.x; }

  // `shared`: kWarps floats of the block.
  template <class R, class Mapped>
  static __device__ __forceinline__ double fold(double total, int64_t count, float* shared, Mapped mapped) {
    const int64_t own = static_cast<int64_t>(threadIdx.x / 32) * kFoldBlock;
    for (int64_t from = 0; from < count; from += kWarps * kFoldBlock) {
      const int64_t begin = from + own, part = count - begin < kFoldBlock ? count - begin : kFoldBlock;
      if (part > 0) {
        const float folded = foldBlock<R>(part, [&](int64_t i) { return mapped(begin + i); });
        if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = folded;
      }
      sync_block();
      const int64_t blocks = (count - from + kFoldBlock - 1) / kFoldBlock;
      for (int w = 0; w < kWarps && w < blocks; w++) total = R::join(total, static_cast<double>(shared[w]));
      sync_block();
    }
    return total;
  }

  // A value of every thread joined by halving: combine(a, b) with a the lower thread's. `shared`: kThreads of them.
  template <class T, class Combine>
  static __device__ __forceinline__ T joined(T value, T* shared, Combine combine) {
    shared[threadIdx.x] = value;
    sync_block();
    for (int by = kThreads / 2; by > 0; by /= 2) {
      if (static_cast<int>(threadIdx.x) < by)
        shared[threadIdx.x] = combine(shared[threadIdx.x], shared[threadIdx.x + static_cast<unsigned>(by)]);
      sync_block();
    }
    const T all = shared[0];
    sync_block();
    return all;
  }
};

// A sum with what its additions lost.
struct TwoSum {
  float total = 0, lost = 0;
  __device__ __forceinline__ void add(float x) {
    const float t = total + x, b = t - total;
    lost = lost + ((total - (t - b)) + (x - b));
    total = t;
  }
};

// Who folds columns: a thread each of a strip of 256, or eight threads each of a strip of 32, which take 32 rows in turn.
// take(partial) is called in order of the rows, by the thread that leads a column: it holds the result. `open`: that the
// column exists. All 256 threads of the block come along.
struct ColumnEach {
  static constexpr int kColumns = 256;
  static __device__ __forceinline__ int column() { return static_cast<int>(threadIdx.x); }
  static __device__ __forceinline__ int64_t firstRow() { return 0; }
  static constexpr int64_t kRowStep = 1;
  static __device__ __forceinline__ bool leads() { return true; }
  static __device__ __forceinline__ float shared(float value, float (*)[32]) { return value; }

  template <class R, class Mapped, class Take>
  static __device__ __forceinline__ void fold(int64_t rows, bool open, float (*)[32], Mapped mapped, Take take) {
    for (int64_t from = 0; open && from < rows; from += kFoldRows) {
      float a = R::identity();
      const int64_t end = from + kFoldRows < rows ? from + kFoldRows : rows;
      for (int64_t r = from; r < end; r++) a = R::fold(a, mapped(r));
      take(a);
    }
  }
};
struct ColumnShared {
  static constexpr int kColumns = 32;
  static __device__ __forceinline__ int column() { return static_cast<int>(threadIdx.x % 32); }
  static __device__ __forceinline__ int64_t firstRow() { return threadIdx.x / 32; }
  static constexpr int64_t kRowStep = 8;
  static __device__ __forceinline__ bool leads() { return threadIdx.x < 32; }
  // The leader's value for all threads of the column.
  static __device__ __forceinline__ float shared(float value, float (*memory)[32]) {
    if (leads()) memory[0][column()] = value;
    sync_block();
    const float all = memory[0][column()];
    sync_block();
    return all;
  }

  template <class R, class Mapped, class Take>
  static __device__ __forceinline__ void fold(int64_t rows, bool open, float (*memory)[32], Mapped mapped, Take take) {
    const int w = static_cast<int>(threadIdx.x / 32), l = column();
    for (int64_t from = 0; from < rows; from += 8 * kFoldRows) {
      const int64_t begin = from + w * kFoldRows, left = rows - begin;
      if (open && left > 0) {
        float a = R::identity();
        const int64_t end = begin + (left < kFoldRows ? left : kFoldRows);
        for (int64_t r = begin; r < end; r++) a = R::fold(a, mapped(r));
        memory[w][l] = a;
      }
      sync_block();
      if (w == 0 && open)
        for (int k = 0; k < 8 && from + k * kFoldRows < rows; k++) take(memory[k][l]);
      sync_block();
    }
  }
};

}  // namespace dsnk
