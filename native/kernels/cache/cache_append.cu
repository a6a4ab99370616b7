// Computes  k[b, h, lengths[b] + i, :] = newK[b, i, h, :], and the same of v, in the type of the cache: append.inl
// Shapes    as there
// Numerics  as there, bit-equal: the squares that the search of a scale adds are whole numbers, whose sums do not depend on
//           an order
// Tiling    a warp for each [batch, row, head]; a decoder's step has few of them, and none waits for another
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/cache/tokens.h"

namespace dsnk {

template <class T>
struct KeepFloats {
  using Stored = T;
  static __device__ __forceinline__ void put(const float* x, int64_t n, T* to, float*) {
    for (int64_t i = lane(); i < n; i += kWarp) to[i] = Narrow<T>::of(x[i]);
  }
};

struct KeepBytes {
  using Stored = int8_t;
  // The code of the largest element that loses least.
  static __device__ __forceinline__ float bestRange(const float* x, int64_t n, float largest) {
    const int tries = n > 64 ? 0 : n > 16 ? 1024 / static_cast<int>(n) : 64;
    float best = 127.0f, least = 0.0f;
    for (int t = 0; t < tries; t++) {
      const float range = 127.0f - 0.25f * static_cast<float>(t), inverse = range / largest;
      float squares = 0.0f;
      for (int64_t i = lane(); i < n; i += kWarp) {
        const float v = x[i] * inverse, left = rintf((v - rintf(v)) * 256.0f);
        squares = squares + left * left;
      }
      const float loss = warp_sum(squares) / (range * range);
      if (t == 0 || loss < least) {
        best = range;
        least = loss;
      }
    }
    return best;
  }
  static __device__ __forceinline__ void put(const float* x, int64_t n, int8_t* to, float* scale) {
    float top = 0.0f, odd = 0.0f;
    for (int64_t i = lane(); i < n; i += kWarp) {
      const float v = x[i], size = fabsf(v);
      top = size > top ? size : top;  // NaN is passed over
      odd = odd + (v - v);            // and found here
    }
    const float largest = warp_max(top), bad = warp_sum(odd);
    const bool tiny = largest < 1e-30f;
    const float range = tiny || bad != 0.0f ? 127.0f : bestRange(x, n, largest);
    if (lane() == 0) *scale = (tiny ? 0.0f : largest / range) + bad;
    const float inverse = tiny ? 0.0f : range / largest;
    for (int64_t i = lane(); i < n; i += kWarp) {
      const float code = rintf(x[i] * inverse);
      to[i] = code >= -128.0f ? static_cast<int8_t>(code <= 127.0f ? code : 127.0f) : int8_t{-128};
    }
  }
};

template <class Keep>
__device__ __forceinline__ void append(const GpuWork& work, const CacheAppendParams& p) {
  using T = typename Keep::Stored;
  const int32_t *lengths = work.at<const int32_t>(6), *pages = work.at<const int32_t>(7);
  T *k = work.at<T>(0), *v = work.at<T>(1);
  float *kScales = work.at<float>(2), *vScales = work.at<float>(3);
  const int64_t units = p.batch * p.rows * p.keyHeads, warps = blockDim.x / kWarp;
  for (int64_t u = blockIdx.x * warps + warp(); u < units; u += gridDim.x * warps) {
    const Quotient row = divide(u, p.keyHeads), of = divide(row.whole, p.rows);
    const int64_t h = row.rest, i = of.rest, b = of.whole;
    const int64_t tokens = tokensOf(lengths, b, p.rows, p.capacity);
    const int64_t to = tokens < 0 ? -1 : cacheRow(p, pages, b, h, tokens - p.rows + i);
    if (to < 0) {
      fault(work, Fault::indexOutOfRange);
      continue;
    }
    Keep::put(work.at<const float>(4) + b * p.strideK[0] + i * p.strideK[1] + h * p.strideK[2], p.width,
              k + to * p.width, kScales == nullptr ? nullptr : kScales + to);
    if (v == nullptr) continue;
    Keep::put(work.at<const float>(5) + b * p.strideV[0] + i * p.strideV[1] + h * p.strideV[2], p.depth,
              v + to * p.depth, vScales == nullptr ? nullptr : vScales + to);
  }
}

DSNK_ENTRY(256, 0, cache_append_f32, CacheAppendParams) { append<KeepFloats<float>>(work, params); }
DSNK_ENTRY(256, 0, cache_append_f16, CacheAppendParams) { append<KeepFloats<half>>(work, params); }
DSNK_ENTRY(256, 0, cache_append_bf16, CacheAppendParams) { append<KeepFloats<bfloat>>(work, params); }
DSNK_ENTRY(256, 0, cache_append_i8, CacheAppendParams) { append<KeepBytes>(work, params); }

}  // namespace dsnk
