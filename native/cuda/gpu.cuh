// What device code is written with: the same words under nvcc (cuda/nvcc.cuh: inline PTX) and in the emulated GPU
// (cuda/emulated.cuh: plain C++, see cuda/emulator/). A .cu file includes this header, the parameters of its family and
// constexpr tile arithmetic, and uses no other API of CUDA. C++17, for nvcc 11.8; compiled with --expt-relaxed-constexpr, so
// that constexpr functions of the host serve on the device, and with -fmad=false: what is to be contracted is written fmaf.
//
//   DSNK_ENTRY(256, 2, gemm_f32_128x64, GemmParams) { … }
//
// defines an entry for 256 threads of which at least 2 blocks should fit a multiprocessor (0: unsaid); its body sees
// `const GpuWork work` and `const GemmParams params`. Where a contract's parameters have a tail, the struct begins with them
// and goes on with uint32_t tail[N]: words beyond those of the program are zero.
//
//   DSNK_ENTRY_FROM(75, 128, 4, gemm_i8_64x64, IntegerGemmParams) { … }
//
// is an entry that rows of this compute capability and later launch: for GPUs before it is not compiled.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/work.h"
#include "kernels/kernel.h"

namespace dsnk {

constexpr int kWarp = 32;  // threads of a warp

struct half {
  uint16_t bits;
};
struct bfloat {
  uint16_t bits;
};
struct float2v {
  float x, y;
};
struct alignas(8) u32x2 {
  uint32_t v[2];
};
struct alignas(16) u32x4 {
  uint32_t v[4];
};

}  // namespace dsnk

#if defined(__CUDACC__)
#include "cuda/nvcc.cuh"
#else
#include "cuda/emulated.cuh"
#endif

namespace dsnk {

template <class T>
DSNK_BOTH constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
DSNK_BOTH constexpr T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
DSNK_BOTH constexpr T clamp(T x, T low, T high) {
  return x < low ? low : high < x ? high : x;
}
template <class T>
DSNK_BOTH constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

__device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x & 31); }
__device__ __forceinline__ int warp() { return static_cast<int>(threadIdx.x >> 5); }

// The worst fault of a run is reported once the run has ended.
__device__ __forceinline__ void fault(const GpuWork& work, Fault what) {
  atomic_max(work.fault, static_cast<uint32_t>(what));
}

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bfloat x) { return float_of_bits(static_cast<uint32_t>(x.bits) << 16); }
__device__ __forceinline__ float2v unpack_bfloats(uint32_t pair) {
  return {float_of_bits(pair << 16), float_of_bits(pair & 0xffff0000u)};
}

// 1 / sqrt(x) of two correctly rounded steps: the same everywhere, unlike rsqrt.approx.
__device__ __forceinline__ float rsqrt(float x) { return 1.0f / sqrtf(x); }

// The sum or the maximum over the lanes of a warp, in all of them; added in the same order whatever the lane.
__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) v += shuffle_xor(v, i);
  return v;
}
__device__ __forceinline__ int32_t warp_sum(int32_t v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) v += shuffle_xor(v, i);
  return v;
}
__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) v = fmaxf(v, shuffle_xor(v, i));
  return v;
}
__device__ __forceinline__ float warp_min(float v) {
#pragma unroll
  for (int i = 16; i > 0; i >>= 1) v = fminf(v, shuffle_xor(v, i));
  return v;
}

}  // namespace dsnk
