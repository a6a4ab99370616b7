// Computes  scale = (max(x, 0) - min(x, 0)) / 255; zero = clip(round(-min / scale)); y[i] = clip(round(x[i] / scale) + zero):
//           dynamic.cc on a GPU
// Shapes    as there
// Numerics  as there, bit-equal: a range is the same in any order
// Tiling    one launch leaves the range of each of up to 256 blocks in scratch; the second joins them in every block, and
//           quantizes four elements a thread. nvcc 13, sm_80, registers: 32; none spilled
// Packing   none
// Source    the ONNX operator definition
#include "kernels/integer/bytes.cuh"
#include "kernels/quantize/params.gen.h"

namespace dsnk {

// Comparisons with NaN are false, so NaN is no part of a range.
struct ByteScaleRange {
  float low = 0.0f, high = 0.0f;
  __device__ __forceinline__ void take(float least, float most) {
    low = least < low ? least : low;
    high = most > high ? most : high;
  }
  // Over the 256 threads of a block, in all of them.
  __device__ __forceinline__ void join() {
    __shared__ float lows[8], highs[8];
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) {
      const float least = shuffle_xor(low, i), most = shuffle_xor(high, i);
      take(least, most);
    }
    lows[warp()] = low;
    highs[warp()] = high;
    sync_block();
#pragma unroll
    for (int i = 0; i < 8; i++) take(lows[i], highs[i]);
  }
};

__device__ __forceinline__ uint8_t quantized(float quotient, float zero) {
  const float v = rintf(quotient) + zero;
  if (v != v) return static_cast<uint8_t>(zero);
  return v <= 0.0f ? uint8_t{0} : v >= 255.0f ? uint8_t{255} : static_cast<uint8_t>(v);
}

DSNK_ENTRY(256, 0, dynamic_quantize_range, DynamicQuantizeParams) {
  const auto* x = work.at<const float>(3);
  ByteScaleRange range;
  for (int64_t i = firstIndex(); i < params.count; i += indexStep()) range.take(x[i], x[i]);
  range.join();
  if (threadIdx.x != 0) return;
  auto* parts = reinterpret_cast<float*>(work.scratch) + 2 * blockIdx.x;
  parts[0] = range.low;
  parts[1] = range.high;
}

// number[0]: blocks of the launch before, at most 256.
DSNK_ENTRY(256, 0, dynamic_quantize, DynamicQuantizeParams) {
  const auto* parts = reinterpret_cast<const float*>(work.scratch);
  ByteScaleRange range;
  if (threadIdx.x < work.number[0]) range.take(parts[2 * threadIdx.x], parts[2 * threadIdx.x + 1]);
  range.join();
  float scale = (range.high - range.low) / 255.0f;
  if (scale == 0.0f) scale = 1.0f;
  const uint8_t zero = quantized(-range.low / scale, 0.0f);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    *work.at<float>(1) = scale;
    *work.at<uint8_t>(2) = zero;
  }
  const auto* x = work.at<const float>(3);
  auto* y = work.at<uint8_t>(0);
  const bool whole = isAligned(x, 16), aligned = isAligned(y, 4);
  const auto off = static_cast<float>(zero);
  for (int64_t i = firstIndex() * 4; i < params.count; i += indexStep() * 4) {
    const int n = static_cast<int>(params.count - i < 4 ? params.count - i : 4);
    u32x4 v{};
    if (whole && n == 4) {
      v = load16(x + i);
    } else {
#pragma unroll
      for (int k = 0; k < 4; k++) v.v[k] = k < n ? bits_of_float(x[i + k]) : 0;
    }
    uint32_t word = 0;
#pragma unroll
    for (int k = 0; k < 4; k++) word |= static_cast<uint32_t>(quantized(float_of_bits(v.v[k]) / scale, off)) << 8 * k;
    storeBytes(y + i, word, n, aligned);
  }
}

}  // namespace dsnk
