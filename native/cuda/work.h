// What one launch gets beside the parameters of its instruction: filled by the engine, read by the entry. Compiled by the
// host's compiler and by nvcc, for which it is part of the ABI.
#pragma once
#include <cstddef>
#include <cstdint>

// For what serves host and device; and for functions of headers that rows for processors and for GPUs share, where each
// translation unit has its own.
#if defined(__CUDACC__)
#define DSNK_BOTH __host__ __device__
#define DSNK_ANYWHERE __device__ __forceinline__
#else
#define DSNK_BOTH
#define DSNK_ANYWHERE inline
#endif

namespace dsnk {

constexpr uint32_t kGpuOperands = 20;  // operands that one launch can see: an elementwise program has up to 17
constexpr uint32_t kGpuNumbers = 12;   // numbers that a plan can hand to a launch

struct GpuWork {
  std::byte* operand[kGpuOperands];  // nullptr: left out
  std::byte* scratch;                // LaunchPlan::scratch, 256-byte aligned, undefined at first
  uint32_t* fault;                   // the worst Fault of the instruction so far
  int64_t number[kGpuNumbers];       // Launch::number

  template <class T>
  DSNK_BOTH T* at(uint32_t i) const {
    return reinterpret_cast<T*>(operand[i]);
  }
};
// Most that an entry may declare of parameters behind its GpuWork: 4 KB for both, in every CUDA version.
constexpr uint32_t kLaunchParamBytes = 4096 - sizeof(GpuWork);
static_assert(sizeof(void*) != 8 || sizeof(GpuWork) == 8 * (kGpuOperands + 2 + kGpuNumbers));

}  // namespace dsnk
