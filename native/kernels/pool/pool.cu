// Computes  pool and pool_indices, see pool.cc and pool.inl
// Shapes    as there, channels last
// Numerics  as there: taps in order. Only large windows are folded by eight warps, whose results join in order
// Tiling    a thread a pixel and four channels (16 bytes of floats), or one; windows of 64 taps and more, where outputs are
//           few, a block a pixel and 32 channels, whose warps take rows of the window in turn
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/pool/params.gen.h"

namespace dsnk {

// The taps of one axis that lie inside the input, and how many lie inside input and padding.
struct TapRange {
  int64_t start;
  int32_t begin, end, padded;
};

__device__ __forceinline__ int32_t tapsBelow(int64_t start, int64_t bound, int32_t dilation, int32_t kernel) {
  if (start >= bound) return 0;
  const int64_t taps = dilation == 1 ? bound - start : divide(bound - start - 1, dilation).whole + 1;
  return taps < kernel ? static_cast<int32_t>(taps) : kernel;
}

template <class Params>
__device__ __forceinline__ TapRange tapsOf(const Params& p, int axis, int64_t o) {
  const int32_t dilation = p.dilations[axis], kernel = p.kernel[axis];
  const int64_t start = o * p.strides[axis] - p.padsBegin[axis];
  return {start, tapsBelow(start, 0, dilation, kernel), tapsBelow(start, p.inSize[axis], dilation, kernel), 0};
}
__device__ __forceinline__ TapRange paddedTapsOf(const PoolParams& p, int axis, int64_t o) {
  TapRange t = tapsOf(p, axis, o);
  const int64_t size = p.inSize[axis];
  t.padded = tapsBelow(t.start, size + p.padsEnd[axis], p.dilations[axis], p.kernel[axis]) -
             tapsBelow(t.start, -static_cast<int64_t>(p.padsBegin[axis]), p.dilations[axis], p.kernel[axis]);
  return t;
}

// Where an output pixel stands.
struct Place {
  int64_t image, d, h, w;
};
template <class Params>
__device__ __forceinline__ Place placeOf(const Params& p, int64_t pixel) {
  const Quotient w = divide(pixel, p.outSize[2]), h = divide(w.whole, p.outSize[1]), d = divide(h.whole, p.outSize[0]);
  return {d.whole, d.rest, h.rest, w.rest};
}

__device__ __forceinline__ float foldTap(PoolKind kind, int32_t power, float sum, float x) {
  if (kind == PoolKind::max) return x > sum ? x : sum;
  if (kind != PoolKind::lp) return sum + x;
  return power == 1 ? sum + fabsf(x) : power == 2 ? x * x + sum : sum + powf(fabsf(x), static_cast<float>(power));
}
__device__ __forceinline__ float startOf(PoolKind kind) { return kind == PoolKind::max ? -infinity() : 0.0f; }
__device__ __forceinline__ float finishPool(const PoolParams& p, float sum, const TapRange& d, const TapRange& h,
                                            const TapRange& w) {
  switch (static_cast<PoolKind>(p.kind)) {
    case PoolKind::max: return sum;
    case PoolKind::lp: return p.p == 1 ? sum : p.p == 2 ? sqrtf(sum) : powf(fabsf(sum), 1.0f / static_cast<float>(p.p));
    default: {
      const bool inner = static_cast<PoolKind>(p.kind) == PoolKind::average;
      const float count =
          inner ? static_cast<float>(d.end - d.begin) * static_cast<float>(h.end - h.begin) *
                      static_cast<float>(w.end - w.begin)
                : static_cast<float>(d.padded) * static_cast<float>(h.padded) * static_cast<float>(w.padded);
      return sum / (count > 0 ? count : 1.0f);
    }
  }
}

template <class T, int V>
struct alignas(sizeof(T) * V) Channels {
  T v[V];
};

template <int V>
__device__ __forceinline__ void poolPixels(const GpuWork& work, const PoolParams& p) {
  const auto kind = static_cast<PoolKind>(p.kind);
  const int64_t parts = p.channels / V;
  const int64_t count = static_cast<int64_t>(p.batch) * p.outSize[0] * p.outSize[1] * p.outSize[2] * parts;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const Quotient at = divide(i, parts);
    const Place place = placeOf(p, at.whole);
    const TapRange d = paddedTapsOf(p, 0, place.d), h = paddedTapsOf(p, 1, place.h), w = paddedTapsOf(p, 2, place.w);
    Channels<float, V> sum;
    DSNK_UNROLLED
    for (int v = 0; v < V; v++) sum.v[v] = startOf(kind);
    for (int32_t kd = d.begin; kd < d.end; kd++) {
      const int64_t plane =
          (place.image * p.inSize[0] + d.start + static_cast<int64_t>(kd) * p.dilations[0]) * p.inSize[1];
      for (int32_t kh = h.begin; kh < h.end; kh++) {
        const int64_t row = (plane + h.start + static_cast<int64_t>(kh) * p.dilations[1]) * p.inSize[2] + w.start;
        for (int32_t kw = w.begin; kw < w.end; kw++) {
          const float* from = work.at<const float>(1) + (row + static_cast<int64_t>(kw) * p.dilations[2]) * p.channels;
          const Channels<float, V> x = reinterpret_cast<const Channels<float, V>*>(from)[at.rest];
          DSNK_UNROLLED
          for (int v = 0; v < V; v++) sum.v[v] = foldTap(kind, p.p, sum.v[v], x.v[v]);
        }
      }
    }
    DSNK_UNROLLED
    for (int v = 0; v < V; v++) sum.v[v] = finishPool(p, sum.v[v], d, h, w);
    reinterpret_cast<Channels<float, V>*>(work.at<float>(0) + at.whole * p.ldc)[at.rest] = sum;
  }
}

DSNK_ENTRY(256, 0, pool_f32, PoolParams) {
  if (params.channels % 4 == 0 && params.ldc % 4 == 0 && isAligned(work.operand[0], 16) &&
      isAligned(work.operand[1], 16))
    poolPixels<4>(work, params);
  else
    poolPixels<1>(work, params);
}

DSNK_ENTRY(256, 0, pool_windows_f32, PoolParams) {
  __shared__ float shared[8][32];
  const auto kind = static_cast<PoolKind>(params.kind);
  const int64_t parts = (params.channels + 31) / 32;
  const int64_t count =
      static_cast<int64_t>(params.batch) * params.outSize[0] * params.outSize[1] * params.outSize[2] * parts;
  const int warps = static_cast<int>(threadIdx.x / 32), column = static_cast<int>(threadIdx.x % 32);
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const Quotient at = divide(i, parts);
    const Place place = placeOf(params, at.whole);
    const TapRange d = paddedTapsOf(params, 0, place.d), h = paddedTapsOf(params, 1, place.h),
                   w = paddedTapsOf(params, 2, place.w);
    const int64_t c = at.rest * 32 + column;
    float sum = startOf(kind);
    const int64_t rows = h.end > h.begin ? h.end - h.begin : 0, planes = d.end > d.begin ? d.end - d.begin : 0;
    for (int64_t r = warps; r < rows * planes && c < params.channels; r += 8) {
      const Quotient line = divide(r, rows);
      const int64_t id = d.start + (d.begin + line.whole) * params.dilations[0];
      const int64_t ih = h.start + (h.begin + line.rest) * params.dilations[1];
      const int64_t row = ((place.image * params.inSize[0] + id) * params.inSize[1] + ih) * params.inSize[2] + w.start;
      for (int32_t kw = w.begin; kw < w.end; kw++)
        sum = foldTap(
            kind, params.p, sum,
            work.at<const float>(1)[(row + static_cast<int64_t>(kw) * params.dilations[2]) * params.channels + c]);
    }
    shared[warps][column] = sum;
    sync_block();
    if (warps == 0 && c < params.channels) {
      for (int k = 1; k < 8; k++) {
        const float other = shared[k][column];
        sum = kind == PoolKind::max ? (other > sum ? other : sum) : sum + other;
      }
      work.at<float>(0)[at.whole * params.ldc + c] = finishPool(params, sum, d, h, w);
    }
    sync_block();
  }
}

template <class T>
__device__ __forceinline__ T lowest() {
  if constexpr (std::is_same<T, float>::value)
    return -infinity();
  else
    return kLowest<T>;
}

// Calls see(offset of the tap's pixel in x, d, h, w) for every tap inside the input, in order.
template <class Params, class See>
__device__ __forceinline__ void forTaps(const Params& p, const Place& place, See see) {
  const TapRange d = tapsOf(p, 0, place.d), h = tapsOf(p, 1, place.h), w = tapsOf(p, 2, place.w);
  for (int32_t kd = d.begin; kd < d.end; kd++)
    for (int32_t kh = h.begin; kh < h.end; kh++)
      for (int32_t kw = w.begin; kw < w.end; kw++) {
        const int64_t id = d.start + static_cast<int64_t>(kd) * p.dilations[0];
        const int64_t ih = h.start + static_cast<int64_t>(kh) * p.dilations[1];
        const int64_t iw = w.start + static_cast<int64_t>(kw) * p.dilations[2];
        see((((place.image * p.inSize[0] + id) * p.inSize[1] + ih) * p.inSize[2] + iw) * p.channels, id, ih, iw);
      }
}

template <class T, int V>
__device__ __forceinline__ void maxBytes(const GpuWork& work, const PoolParams& p) {
  const int64_t parts = p.channels / V;
  const int64_t count = static_cast<int64_t>(p.batch) * p.outSize[0] * p.outSize[1] * p.outSize[2] * parts;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const Quotient at = divide(i, parts);
    Channels<T, V> most;
    DSNK_UNROLLED
    for (int v = 0; v < V; v++) most.v[v] = lowest<T>();
    forTaps(p, placeOf(p, at.whole), [&](int64_t from, int64_t, int64_t, int64_t) {
      const Channels<T, V> x = reinterpret_cast<const Channels<T, V>*>(work.at<const T>(1) + from)[at.rest];
      DSNK_UNROLLED
      for (int v = 0; v < V; v++) most.v[v] = x.v[v] > most.v[v] ? x.v[v] : most.v[v];
    });
    reinterpret_cast<Channels<T, V>*>(work.at<T>(0) + at.whole * p.ldc)[at.rest] = most;
  }
}
template <class T>
__device__ __forceinline__ void poolBytes(const GpuWork& work, const PoolParams& p) {
  if (p.channels % 4 == 0 && p.ldc % 4 == 0 && isAligned(work.operand[0], 4) && isAligned(work.operand[1], 4))
    maxBytes<T, 4>(work, p);
  else
    maxBytes<T, 1>(work, p);
}
DSNK_ENTRY(256, 0, pool_u8, PoolParams) { poolBytes<uint8_t>(work, params); }
DSNK_ENTRY(256, 0, pool_i8, PoolParams) { poolBytes<int8_t>(work, params); }

template <class T>
__device__ __forceinline__ void poolIndices(const GpuWork& work, const PoolIndicesParams& p) {
  const int64_t D = p.inSize[0], H = p.inSize[1], W = p.inSize[2];
  const int64_t count = static_cast<int64_t>(p.batch) * p.outSize[0] * p.outSize[1] * p.outSize[2] * p.channels;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const Quotient at = divide(i, p.channels);
    const Place place = placeOf(p, at.whole);
    T most = lowest<T>();
    int64_t index = -1;
    forTaps(p, place, [&](int64_t from, int64_t d, int64_t h, int64_t w) {
      const T x = work.at<const T>(2)[from + at.rest];
      if (!(x > most) && index >= 0) return;
      most = x;
      index = (place.image * p.channels + at.rest) * D * H * W +
              (p.columnMajor ? (w * H + h) * D + d : (d * H + h) * W + w);
    });
    work.at<T>(0)[i] = most;
    work.at<int64_t>(1)[i] = index;
  }
}
DSNK_ENTRY(256, 0, pool_indices_f32, PoolIndicesParams) { poolIndices<float>(work, params); }
DSNK_ENTRY(256, 0, pool_indices_u8, PoolIndicesParams) { poolIndices<uint8_t>(work, params); }
DSNK_ENTRY(256, 0, pool_indices_i8, PoolIndicesParams) { poolIndices<int8_t>(work, params); }

}  // namespace dsnk
