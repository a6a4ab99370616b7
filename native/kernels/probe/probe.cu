// Computes  nothing of use: what a multiprocessor does at most of one kind of instruction, from registers
// Shapes    y 64 bytes a tile; a launch has `tiles` blocks of 256 threads
// Numerics  sums of products of small numbers: finite, and read at the end so that they are not removed
// Tiling    eight independent sums a warp, two warps a scheduler: enough to hide the latency of every mma there is
// Packing   none
// Source    PTX ISA, "Warp-level matrix instructions"
#include "cuda/gpu.cuh"
#include "kernels/probe/params.gen.h"

namespace dsnk {

constexpr int kChains = 8;

template <class Sum, class Step>
__device__ __forceinline__ void probe(const GpuWork& work, const ProbeFmaParams& params, Step step) {
  Sum sums[kChains] = {};
  for (int64_t i = 0; i < params.iterations; i++) {
#pragma unroll
    for (int c = 0; c < kChains; c++) step(sums[c]);
  }
  float total = 0.0f;
#pragma unroll
  for (int c = 0; c < kChains; c++) total += static_cast<float>(sums[c].d[0]);
  if (threadIdx.x < 16) work.at<float>(0)[blockIdx.x * 16 + threadIdx.x] = total;
}

struct FloatSums {
  float d[4];
};
struct IntegerSums {
  int32_t d[4];
};

DSNK_ENTRY(256, 0, probe_fma_f32, ProbeFmaParams) {
  const float x = 1.0f / static_cast<float>(threadIdx.x + 2);
  probe<FloatSums>(work, params, [x](FloatSums& s) {
#pragma unroll
    for (int i = 0; i < 4; i++) s.d[i] = fmaf(s.d[i], x, x);
  });
}

DSNK_ENTRY_FROM(80, 256, 0, probe_mma_f16, ProbeFmaParams) {
  const uint32_t half = pack_halves(0.001f, 0.002f), a[4] = {half, half, half, half}, b[2] = {half, half};
  probe<FloatSums>(work, params, [&](FloatSums& s) { mma_f16(s.d, a, b); });
}

DSNK_ENTRY_FROM(80, 256, 0, probe_mma_u8s8, ProbeFmaParams) {
  const uint32_t ones = 0x01010101u, a[4] = {ones, ones, ones, ones}, b[2] = {ones, ones};
  probe<IntegerSums>(work, params, [&](IntegerSums& s) { mma_u8s8(s.d, a, b); });
}

}  // namespace dsnk
