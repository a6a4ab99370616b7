// Computes  y[o,i] = sat(rne(float(t[m - x])·(ratio / float(Σ t[m - x]))) + zero), m the largest x of a row: softmax_bytes.inl
//           on a GPU
// Shapes    y, x: [rows, n] unsigned bytes; y may be x; t: 256 integers
// Numerics  the sum is exact, then one quotient, one product and one rounding in float32: the bits of every other row
// Tiling    a warp a row, or a block where rows are long; t stands in shared memory. Three sweeps, of which the last two read
//           from L1 or L2. nvcc 13, sm_80, registers: 32; none spilled
// Packing   none
// Source    none
#include "kernels/integer/bytes.cuh"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

// What storeByte does: no number is 0.
__device__ __forceinline__ uint8_t wholeByte(float x) {
  return x >= 0.0f ? static_cast<uint8_t>(x <= 255.0f ? x : 255.0f) : uint8_t{0};
}

// Over the lanes of a warp, in all of them.
__device__ __forceinline__ int largestOfWarp(int v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) v = max(v, shuffle_xor(v, i));
  return v;
}
// Of 64 bits; sums are whole, so their order is nothing.
__device__ __forceinline__ uint64_t sumOfWarp(uint64_t v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) {
    const uint32_t low = shuffle_xor(static_cast<uint32_t>(v), i),
                   high = shuffle_xor(static_cast<uint32_t>(v >> 32), i);
    v += static_cast<uint64_t>(high) << 32 | low;
  }
  return v;
}

// `warps` of them have a row together.
template <int warps>
__device__ __forceinline__ void softmaxRows(const GpuWork& w, const ByteSoftmaxParams& p) {
  __shared__ int32_t t[256];
  __shared__ uint64_t sums[8];
  __shared__ int peaks[8];
  const int thread = static_cast<int>(threadIdx.x);
  t[thread] = w.at<const int32_t>(2)[thread];
  sync_block();
  constexpr int together = 8 / warps, threads = warps * kWarp;
  const auto zero = static_cast<float>(p.zero);
  for (int64_t first = int64_t{blockIdx.x} * together; first < p.rows; first += int64_t{gridDim.x} * together) {
    const int64_t row = first + thread / threads;
    const int64_t n = row < p.rows ? p.n : 0;
    const uint8_t* x = w.at<const uint8_t>(1) + row * p.n;
    uint8_t* y = w.at<uint8_t>(0) + row * p.n;
    int peak = 0;
    for (int64_t i = thread % threads; i < n; i += threads) peak = max(peak, static_cast<int>(x[i]));
    peak = largestOfWarp(peak);
    if (warps > 1) {
      peaks[warp()] = peak;
      sync_block();
#pragma unroll
      for (int i = 0; i < warps; i++) peak = max(peak, peaks[i]);
    }
    uint64_t sum = 0;
    for (int64_t i = thread % threads; i < n; i += threads) sum += static_cast<uint32_t>(t[peak - x[i]]);
    sum = sumOfWarp(sum);
    if (warps > 1) {
      sums[warp()] = sum;
      sync_block();
      sum = 0;
#pragma unroll
      for (int i = 0; i < warps; i++) sum += sums[i];
    }
    const float m = p.ratio / static_cast<float>(sum);
    for (int64_t i = thread % threads; i < n; i += threads) {
      y[i] = wholeByte(rintf(static_cast<float>(t[peak - x[i]]) * m) + zero);
    }
    if (warps > 1) sync_block();  // before the next row's peaks and sums
  }
}

DSNK_ENTRY(256, 0, softmax_i8_warp, ByteSoftmaxParams) { softmaxRows<1>(work, params); }
DSNK_ENTRY(256, 0, softmax_i8_block, ByteSoftmaxParams) { softmaxRows<8>(work, params); }

}  // namespace dsnk
