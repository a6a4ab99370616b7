// What device code for Hopper alone (sm_90a) is written with, beside cuda/gpu.cuh: barriers in shared memory that count arrivals
// and bytes, bulk copies that end at them, and products of a warpgroup (four warps, the first a multiple of four) that read
// shared memory on their own. One meaning under nvcc (cuda/nvcc_sm90.cuh) and in the emulated GPU (cuda/emulated_sm90.cuh,
// cuda/emulator/warpgroup.cc), which reads and writes shared memory as early or as late as the rules allow, at random.
// Source: PTX ISA, mbarrier, cp.async.bulk, wgmma.mma_async with its shared memory layouts (no swizzle), setmaxnreg.
//
//   #if DSNK_SM90  entries  #endif
//
// keeps such entries out of what is compiled for other GPUs: they are not found there, and a program that wants them is
// refused when it is loaded.
#pragma once
#include "cuda/gpu.cuh"

namespace dsnk {

constexpr int kWarpgroup = 128;  // threads

// An object of the barrier kind, in shared memory: a phase ends when `arrivals` threads have arrived and all bytes that they
// expect have come; the next one begins at once.
struct alignas(8) PhaseBarrier {
  uint64_t bits;
};

}  // namespace dsnk

#if defined(__CUDACC__)
#include "cuda/nvcc_sm90.cuh"
#else
#include "cuda/emulated_sm90.cuh"
#endif

namespace dsnk {

__device__ __forceinline__ int warpgroup() { return static_cast<int>(threadIdx.x / kWarpgroup); }

// A matrix in shared memory, for a product: blocks of 8 x 16 bytes, each 128 bytes in a row. Where k runs along the 16 bytes
// (a; bytes of b), the next 16 bytes of k are `alongK` further and the next 8 rows or columns `across`. Where columns do
// (16-bit numbers of b), the next 8 of k are `alongK` further and the next 8 columns `across`. All multiples of 16.
__device__ __forceinline__ uint64_t matrix_at(const void* shared, uint32_t alongK, uint32_t across) {
  return (shared_address(shared) & 0x3ffff) >> 4 | static_cast<uint64_t>(alongK >> 4) << 16 |
         static_cast<uint64_t>(across >> 4) << 32;
}
// The same so many bytes further.
__device__ __forceinline__ uint64_t matrix_after(uint64_t matrix, uint32_t bytes) { return matrix + (bytes >> 4); }

}  // namespace dsnk
