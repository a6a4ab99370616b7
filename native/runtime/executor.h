// Runs a loaded program: one instruction after another, each as tiles on a team.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "runtime/thread_pool.h"

namespace dsnk {

struct Instruction;
struct OperandRef;
struct Source;

struct RunResult {
  enum Code : uint32_t { ok, aborted, fault, deviceFailed, outOfMemory } code = ok;
  int32_t pc = -1;  // the instruction a fault came from
  Fault fault_ = Fault::none;
  std::string what = {};  // where a device failed, in its driver's words, or memory that was not there
};

struct SegmentBases {
  std::byte* arena = nullptr;
  std::byte* io = nullptr;
  std::byte* state = nullptr;
  std::byte* scratch = nullptr;
  uint64_t scratchBytesPerThread = 0;
  const std::vector<std::byte*>* weights = nullptr;
  const std::vector<Source>* sources = nullptr;  // init only
};

// `timesNs`, when given, receives one duration per instruction. `abort` is looked at between tiles.
RunResult execute(const std::vector<Instruction>& code, const std::vector<OperandRef>& operands,
                  const SegmentBases& bases, Team& team, const std::atomic<bool>& abort, uint64_t* timesNs,
                  void (*afterInstruction)(void*, uint32_t pc) = nullptr, void* context = nullptr);

}  // namespace dsnk
