// The contract between the runtime and a row for a GPU. Such a row has no code of its own on the host: its plan says which
// entries of which module run, with which grid. A plan depends on parameters and operand sizes and never on contents, so a
// program's launches are captured once and replayed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/work.h"
#include "kernels/kernel.h"

namespace dsnk {

// What a plan may know of the GPU.
struct GpuTraits {
  uint32_t capability = 0;  // 87: compute capability 8.7
  uint32_t multiprocessors = 0;
  uint32_t sharedBytes = 0;  // most that one block may ask for
  uint32_t l2Bytes = 0;
};

// One instruction, as `verify` has accepted it.
struct GpuProblem {
  const void* params;
  uint32_t paramBytes;
  const uint64_t* operandBytes;
  uint32_t operandCount;
  const GpuTraits* gpu;

  template <class T>
  const T& as() const {
    return *static_cast<const T*>(params);
  }
  bool has(uint32_t i) const { return i < operandCount && operandBytes[i] > 0; }
};

// One launch: the entry gets a GpuWork (native/cuda/work.h) made of this, and the instruction's parameters.
struct Launch {
  const char* module;  // stem of the .cu file
  const char* entry;   // name of the __global__ function
  uint32_t grid[3] = {1, 1, 1};
  uint32_t threads = 256;
  uint32_t sharedBytes = 0;  // dynamic shared memory
  int64_t number[kGpuNumbers] = {};
  uint16_t operand[kGpuOperands];  // numbers of the instruction's operands; what it has not is a null pointer

  Launch(const char* inModule, const char* name) : module(inModule), entry(name) {
    for (uint32_t i = 0; i < kGpuOperands; i++) operand[i] = static_cast<uint16_t>(i);
  }
};

class LaunchPlan {
 public:
  // Launches run in the order in which they are added. One with an empty grid is left out.
  void add(const Launch& launch) {
    if (launch.grid[0] != 0 && launch.grid[1] != 0 && launch.grid[2] != 0) launches.push_back(launch);
  }
  // Memory that the launches of this instruction share; its contents are undefined at first.
  void scratch(uint64_t bytes) {
    if (bytes > scratchBytes) scratchBytes = bytes;
  }

  std::vector<Launch> launches;
  uint64_t scratchBytes = 0;
};

}  // namespace dsnk
