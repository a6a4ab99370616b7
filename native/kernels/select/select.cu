// Computes  arg_reduce and topk along the middle of [outer, n, inner], see select.inl
// Shapes    as there
// Numerics  bit-equal; NaN counts as the largest for topk and wins for arg_reduce
// Tiling    arg_reduce: a warp a row, a thread a column. topk: a warp a column of the axis, a block where it is long, which
//           finds the best that stands behind the one before, k times: no memory but registers, for small k
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/select/params.gen.h"

namespace dsnk {

template <class T>
struct Wide {
  using Type = T;
  static __device__ __forceinline__ T of(T x) { return x; }
};
template <>
struct Wide<half> {
  using Type = float;
  static __device__ __forceinline__ float of(half x) { return to_float(x); }
};
template <>
struct Wide<bfloat> {
  using Type = float;
  static __device__ __forceinline__ float of(bfloat x) { return to_float(x); }
};

// One element and where it stands; nowhere: index < 0.
template <class W>
struct Entry {
  W value;
  int64_t index;
};

template <class W>
__device__ __forceinline__ Entry<W> exchanged(Entry<W> e, int mask) {
  uint32_t words[sizeof(Entry<W>) / 4];
  memcpy(words, &e, sizeof(e));
  DSNK_UNROLLED
  for (uint32_t& word : words) word = shuffle_xor(word, mask);
  memcpy(&e, words, sizeof(e));
  return e;
}

// Whether a comes before b where the extreme is sought; of equals the first, or the last.
template <class W>
__device__ __forceinline__ bool wins(const Entry<W>& a, const Entry<W>& b, bool smallest, bool last) {
  if (a.index < 0 || b.index < 0) return a.index >= 0;
  const bool nanA = a.value != a.value, nanB = b.value != b.value;
  if (nanA != nanB) return nanA;
  if (!nanA && a.value != b.value) return smallest ? a.value < b.value : b.value < a.value;
  return last ? a.index > b.index : a.index < b.index;
}

template <class T>
__device__ __forceinline__ void argReduce(const GpuWork& work, const ArgReduceParams& p) {
  using W = typename Wide<T>::Type;
  const bool smallest = p.smallest != 0, last = p.last != 0;
  if (p.inner == 1) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * (blockDim.x / 32);
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32; row < p.outer;
         row += step) {
      Entry<W> best{W{}, -1};
      for (int64_t i = threadIdx.x % 32; i < p.n; i += 32) {
        const Entry<W> e{Wide<T>::of(work.at<const T>(1)[row * p.n + i]), i};
        if (wins(e, best, smallest, last)) best = e;
      }
      for (int mask = 16; mask > 0; mask /= 2) {
        const Entry<W> other = exchanged(best, mask);
        if (wins(other, best, smallest, last)) best = other;
      }
      if (threadIdx.x % 32 == 0) work.at<int64_t>(0)[row] = best.index;
    }
    return;
  }
  for (int64_t k = firstIndex(); k < p.outer * p.inner; k += indexStep()) {
    const Quotient at = divide(k, p.inner);
    Entry<W> best{W{}, -1};
    for (int64_t i = 0; i < p.n; i++) {
      const Entry<W> e{Wide<T>::of(work.at<const T>(1)[(at.whole * p.n + i) * p.inner + at.rest]), i};
      if (wins(e, best, smallest, last)) best = e;
    }
    work.at<int64_t>(0)[k] = best.index;
  }
}

// Whether a stands before b in the order of topk: by value, NaN the largest number, then by index.
template <class W>
__device__ __forceinline__ bool before(const Entry<W>& a, const Entry<W>& b, bool smallest) {
  if (a.index < 0 || b.index < 0) return a.index >= 0;
  const bool nanA = a.value != a.value, nanB = b.value != b.value;
  if (nanA != nanB) return smallest ? nanB : nanA;
  if (!nanA && a.value != b.value) return smallest ? a.value < b.value : b.value < a.value;
  return a.index < b.index;
}

// A column by a warp, or by a block where it is long.
template <class T, bool isLong>
__device__ __forceinline__ void topk(const GpuWork& work, const TopkParams& p) {
  using W = typename Wide<T>::Type;
  __shared__ Entry<W> shared[8];
  constexpr int64_t kThreads = isLong ? 256 : 32;
  const bool smallest = p.smallest != 0;
  const int64_t warps = blockDim.x / 32, own = threadIdx.x / 32;
  const int64_t first = isLong ? static_cast<int64_t>(blockIdx.x) : blockIdx.x * warps + own;
  for (int64_t column = first; column < p.outer * p.inner; column += gridDim.x * (isLong ? 1 : warps)) {
    const Quotient at = divide(column, p.inner);
    const T* const x = work.at<const T>(2) + at.whole * p.n * p.inner + at.rest;
    const int64_t to = at.whole * p.k * p.inner + at.rest;
    Entry<W> previous{W{}, -1};
    for (int64_t k = 0; k < p.k; k++) {
      Entry<W> best{W{}, -1};
      for (int64_t i = threadIdx.x % kThreads; i < p.n; i += kThreads) {
        const Entry<W> e{Wide<T>::of(x[i * p.inner]), i};
        if (before(e, best, smallest) && (previous.index < 0 || before(previous, e, smallest))) best = e;
      }
      for (int mask = 16; mask > 0; mask /= 2) {
        const Entry<W> other = exchanged(best, mask);
        if (before(other, best, smallest)) best = other;
      }
      if constexpr (isLong) {
        if (threadIdx.x % 32 == 0) shared[own] = best;
        sync_block();
        best = shared[0];
        for (int64_t w = 1; w < warps; w++)
          if (before(shared[w], best, smallest)) best = shared[w];
        sync_block();
      }
      if (threadIdx.x % kThreads == 0) {
        work.at<T>(0)[to + k * p.inner] = x[best.index * p.inner];
        work.at<int64_t>(1)[to + k * p.inner] = best.index;
      }
      previous = best;
    }
  }
}

#define DSNK_TYPE(type, T)                                                               \
  DSNK_ENTRY(256, 0, arg_reduce_##type, ArgReduceParams) { argReduce<T>(work, params); } \
  DSNK_ENTRY(256, 4, topk_##type, TopkParams) { topk<T, false>(work, params); }          \
  DSNK_ENTRY(256, 4, topk_long_##type, TopkParams) { topk<T, true>(work, params); }
DSNK_TYPE(f32, float)
DSNK_TYPE(f16, half)
DSNK_TYPE(bf16, bfloat)
DSNK_TYPE(i32, int32_t)
DSNK_TYPE(i64, int64_t)
DSNK_TYPE(u8, uint8_t)
DSNK_TYPE(i8, int8_t)
#undef DSNK_TYPE

}  // namespace dsnk
