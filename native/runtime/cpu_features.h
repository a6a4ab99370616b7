// What the processor can do, and how many threads this process may use.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace dsnk {

struct CpuFeatures {
  std::string model;
  Isa best;                             // highest ISA that processor and operating system support
  Isa cap;                              // the one in use: `best`, lowered by DSNK_ISA
  std::vector<Isa> isas;                // those up to `best`, weakest first: what DSNK_ISA may name here
  bool inOrder;                         // the cores take rows of neona53, by their kind or because DSNK_ISA says so
  std::string unknownCap;               // DSNK_ISA when it names none of them, else empty
  uint32_t threads;                     // min(affinity, cgroup quota), at least 1
  uint64_t l1dBytes, l2Bytes, l3Bytes;  // 0 = unknown
};

const CpuFeatures& cpuFeatures();
const char* isaName(Isa);
bool isaUsable(Isa);  // by the processor: no higher than the cap
// Whether products of bfloats or halves on that ISA are faster than those of float32 on this processor. Decided by what is known
// of processors, not by a measurement: the choice of kernels, and so the results, must be the same in every process.
bool narrowFloatsPay(Isa);

}  // namespace dsnk
