// Computes  resize and resize_nearest, see resize_f32.inl, resize_typed.cc, resize_nearest.cc
// Shapes    as there
// Numerics  float32: columns combined first, in ascending order of taps; other types: rows first, in float32, cut to the range
// Tiling    a thread an output; every neighbour read where it lies
// Packing   none
// Source    separable filtering
#include "cuda/elements.cuh"
#include "kernels/resize/params.gen.h"

namespace dsnk {

// The first neighbour of an output, or -1 outside the image; faults where the table points outside the axis.
struct Start {
  int64_t at;
  bool sound;
};
__device__ __forceinline__ Start startOf(const GpuWork& work, uint32_t table, int64_t i, int64_t last,
                                         bool extrapolate) {
  const int32_t at = work.at<const int32_t>(table)[i];
  if ((at >= 0 && at <= last) || (extrapolate && at == -1)) return {at, true};
  fault(work, Fault::indexOutOfRange);
  return {-1, false};
}

template <class T>
__device__ __forceinline__ T narrowed(float v) {
  if constexpr (std::is_integral<T>::value) {
    if (v != v) return T{0};
    if (v <= static_cast<float>(kLowest<T>)) return kLowest<T>;
    return v >= static_cast<float>(kHighest<T>) ? kHighest<T> : static_cast<T>(v);
  } else {
    return Narrow<T>::of(v);
  }
}
__device__ __forceinline__ float widened(uint8_t x) { return static_cast<float>(x); }
__device__ __forceinline__ float widened(int8_t x) { return static_cast<float>(x); }

template <class T>
__device__ __forceinline__ void resizeElements(const GpuWork& work, const ResizeParams& p) {
  constexpr bool columnsFirst = std::is_same<T, float>::value;
  const bool extrapolate = p.extrapolate != 0;
  const int32_t countH = p.tapsH > 0 ? p.tapsH : 1, countW = p.tapsW > 0 ? p.tapsW : 1;
  const float *weightH = work.at<const float>(3), *weightW = work.at<const float>(5);
  const int64_t count = p.outer * p.outH * p.outW * p.inner;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const Quotient c = divide(i, p.inner), l = divide(c.whole, p.outW), j = divide(l.whole, p.outH);
    Start row{j.rest, true}, column{l.rest, true};
    if (p.tapsH > 0) row = startOf(work, 2, j.rest, p.inH - p.tapsH, extrapolate);
    if (p.tapsW > 0) column = startOf(work, 4, l.rest, p.inW - p.tapsW, extrapolate);
    T* const y = work.at<T>(0) + i;
    if (row.at < 0 || column.at < 0) {
      *y = narrowed<T>(p.value);
      continue;
    }
    const T* const x = work.at<const T>(1) + ((j.whole * p.inH + row.at) * p.inW + column.at) * p.inner + c.rest;
    const auto at = [&](int32_t s, int32_t t) { return widened(x[(s * p.inW + t) * p.inner]); };
    const auto byH = [&](int32_t s, float v) { return p.tapsH > 0 ? weightH[s * p.outH + j.rest] * v : v; };
    const auto byW = [&](int32_t t, float v) { return p.tapsW > 0 ? weightW[t * p.outW + l.rest] * v : v; };
    float sum = 0;
    if (columnsFirst) {
      for (int32_t t = 0; t < countW; t++) {
        float part = byH(0, at(0, t));
        for (int32_t s = 1; s < countH; s++) part = byH(s, at(s, t)) + part;
        sum = t == 0 ? byW(t, part) : byW(t, part) + sum;
      }
    } else {
      for (int32_t s = 0; s < countH; s++) {
        float part = 0;
        for (int32_t t = 0; t < countW; t++) part += byW(t, at(s, t));
        sum += byH(s, part);
      }
    }
    *y = narrowed<T>(sum);
  }
}

DSNK_ENTRY(256, 4, resize_f32, ResizeParams) { resizeElements<float>(work, params); }
DSNK_ENTRY(256, 4, resize_f16, ResizeParams) { resizeElements<half>(work, params); }
DSNK_ENTRY(256, 4, resize_u8, ResizeParams) { resizeElements<uint8_t>(work, params); }
DSNK_ENTRY(256, 4, resize_i8, ResizeParams) { resizeElements<int8_t>(work, params); }

DSNK_ENTRY(256, 4, resize_nearest, ResizeNearestParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  const std::byte* const filled = work.at<std::byte>(4);
  const bool extrapolate = filled != nullptr;
  copyBlocks(
      params.outer * params.outH * params.outW, params.innerBytes, bitsOf(x, y) | bitsOf(filled, nullptr),
      [&](int64_t k) { return y + k * params.innerBytes; },
      [&](int64_t k) -> const std::byte* {
        const Quotient l = divide(k, params.outW), j = divide(l.whole, params.outH);
        Start row{j.rest, true}, column{l.rest, true};
        if (work.operand[2] != nullptr) row = startOf(work, 2, j.rest, params.inH - 1, extrapolate);
        if (work.operand[3] != nullptr) column = startOf(work, 3, l.rest, params.inW - 1, extrapolate);
        if (!row.sound || !column.sound) return nullptr;
        if (row.at < 0 || column.at < 0) return filled;
        return x + ((j.whole * params.inH + row.at) * params.inW + column.at) * params.innerBytes;
      });
}

}  // namespace dsnk
