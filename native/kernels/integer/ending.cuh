// ending.inl on a GPU: the same float operations in the same order, so the same bytes.
#pragma once
#include "cuda/gpu.cuh"
#include "kernels/integer/params.gen.h"

namespace dsnk {

// Rounds to nearest even; what is no number counts as too large, and beyond ±2^16 all bytes are saturated.
__device__ __forceinline__ int roundBytes(float x) {
  x = x < 65536.0f ? x : 65536.0f;
  x = x > -65536.0f ? x : -65536.0f;
  return static_cast<int>(rintf(x));
}

__device__ __forceinline__ uint8_t byteOf(int x, int zero, int low, int high) {
  x += zero;
  return static_cast<uint8_t>(x < low ? low : x > high ? high : x);
}

struct IntegerEnding {
  std::byte* y;
  int64_t ldc;
  const int32_t* bias;
  const float* multiplier;
  const uint8_t* residual;
  int64_t residualRow;
  const float* addend;
  IntegerOutput output;
  bool perColumn;
  int zero, low, high, residualZero;
  float sumLow, sumHigh, sumRatio, residualRatio;

  template <class P>
  __device__ __forceinline__ IntegerEnding(const P& p, const GpuWork& w, int64_t residualStride)
      : y(w.at<std::byte>(0)),
        ldc(p.ldc),
        bias(w.at<const int32_t>(3)),
        multiplier(w.at<const float>(4)),
        residual(w.at<const uint8_t>(5)),
        residualRow(residualStride),
        addend(w.at<const float>(6)),
        output(static_cast<IntegerOutput>(p.output)),
        perColumn(p.perColumn != 0),
        zero(p.zero),
        low(p.low),
        high(p.high),
        residualZero(p.residualZero),
        sumLow(static_cast<float>(p.sumLow - p.sumZero)),
        sumHigh(static_cast<float>(p.sumHigh - p.sumZero)),
        sumRatio(p.sumRatio),
        residualRatio(p.residualRatio) {}

  // Wrapping, as sums are on every row.
  static __device__ __forceinline__ int32_t biased(int32_t sum, int32_t b) {
    return static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(b));
  }
  __device__ __forceinline__ float multiplierOf(int64_t column) const {
    return output == IntegerOutput::i32 ? 0.0f : multiplier[perColumn ? column : 0];
  }
  // Bytes, from a sum with bias; r is the residual where there is one.
  __device__ __forceinline__ uint8_t byte(int32_t acc, float m, int r) const {
    float x = static_cast<float>(acc) * m;
    if (residual != nullptr) {
      if (sumRatio != 0) {
        x = x < sumHigh ? x : sumHigh;
        x = x > sumLow ? x : sumLow;
        x = rintf(x) * sumRatio;
      }
      x = x + static_cast<float>(r - residualZero) * residualRatio;
    }
    return byteOf(roundBytes(x), zero, low, high);
  }
  // Floats and integers: the word that is stored.
  __device__ __forceinline__ uint32_t word(int32_t acc, float m, float add) const {
    if (output == IntegerOutput::i32) return static_cast<uint32_t>(acc);
    float x = static_cast<float>(acc) * m;
    if (addend != nullptr) x = x + add;
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
  }
};

}  // namespace dsnk
