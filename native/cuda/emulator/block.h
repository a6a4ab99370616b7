// Runs one launch: block after block, the threads of each as fibers.
#pragma once
#include <cstddef>
#include <string>

#include "cuda/emulator/meeting.h"

namespace dsnk::emulated {

struct Extent {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
  bool has(const void* p, size_t bytes) const { return p >= begin && static_cast<const std::byte*>(p) + bytes <= end; }
};

struct LaunchShape {
  Index grid, block;
  unsigned sharedBytes;
  Extent statics;  // the static shared memory of the entry's library
};

// Fails unless so many bytes are in shared memory, at a multiple of their number.
void checkShared(const void* p, size_t bytes);

// For what runs on its own (warpgroup.cc). The calling thread stops until somebody wakes all that do so.
void sleep(At at);
void wakeAll();
uint32_t randomBits();
// Lets one copy arrive; false where none is under way.
bool arriveOne();
void clearWarpgroups();
// What a block that has ended left undone; nullptr: nothing.
const char* leftByWarpgroups();

// Matrices that the last launch has read from shared memory, and the steps that the banks need for them: as many where none of
// their rows are in the same banks.
struct MatrixReads {
  uint64_t matrices = 0, steps = 0;
};
extern MatrixReads matrixReads;

enum class Outcome { done, failed, outOfBounds };

// Blocks the calling thread. `why` says what was wrong and where. One launch at a time.
Outcome runLaunch(const Entry& entry, const LaunchShape& shape, const GpuWork& work, const void* params,
                  std::string& why);

}  // namespace dsnk::emulated
