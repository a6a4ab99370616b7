// Computes  y[i] = clamp(rne((a[i] - aZero)·aRatio + (b[i] - bZero)·bRatio) + zero, low, high): sum.inl on a GPU
// Shapes    y, a, b: count bytes; y may be a or b
// Numerics  each product and the sum is one rounding of float32: the bits of every other row
// Tiling    a thread has sixteen bytes, in one load and store where all three are aligned. nvcc 13, sm_80, registers: 48; none spilled
// Packing   none
// Source    none
#include "kernels/integer/bytes.cuh"
#include "kernels/integer/params.gen.h"

namespace dsnk {

// What storeByte does: no number is 0.
__device__ __forceinline__ uint32_t wholeByte(float x) {
  return x >= 0.0f ? static_cast<uint32_t>(x <= 255.0f ? x : 255.0f) : 0;
}

DSNK_ENTRY(256, 2, sum_i8, ByteSumParams) {
  const auto *a = work.at<const uint8_t>(1), *b = work.at<const uint8_t>(2);
  auto* y = work.at<uint8_t>(0);
  const auto aZero = static_cast<float>(params.aZero), bZero = static_cast<float>(params.bZero);
  const auto zero = static_cast<float>(params.zero), low = static_cast<float>(params.low);
  const auto high = static_cast<float>(params.high);
  const auto sum = [&](uint32_t u, uint32_t v) {
    const float s = (static_cast<float>(u) - aZero) * params.aRatio + (static_cast<float>(v) - bZero) * params.bRatio;
    float r = rintf(s) + zero;
    r = r > low ? r : low;
    r = r < high ? r : high;
    return wholeByte(r);
  };
  const bool whole = grainOf(a, 0) == 16 && grainOf(b, 0) == 16 && grainOf(y, 0) == 16;
  for (int64_t i = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * 16; i < params.count;
       i += int64_t{gridDim.x} * blockDim.x * 16) {
    if (whole && params.count - i >= 16) {
      const u32x4 u = load16(a + i), v = load16(b + i);
      u32x4 s;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        s.v[j] = 0;
#pragma unroll
        for (int k = 0; k < 32; k += 8) s.v[j] |= sum(u.v[j] >> k & 255, v.v[j] >> k & 255) << k;
      }
      store16(y + i, s);
    } else {
      for (int64_t j = i; j < i + 16 && j < params.count; j++) y[j] = static_cast<uint8_t>(sum(a[j], b[j]));
    }
  }
}

}  // namespace dsnk
