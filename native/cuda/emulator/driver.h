// State of the emulated driver. Work that is asked for waits in its stream until somebody synchronizes: whoever reads results
// or reuses a buffer before that, sees that on a GPU they would not be ready.
//
// What can be asked of it by environment variables, all read when they matter:
//   DSNK_EMULATOR_DRIVER_VERSION  cuDriverGetVersion; entry points of later versions are missing (12040)
//   DSNK_EMULATOR_CAPABILITY      compute capability of all devices, "87" (87)
//   DSNK_EMULATOR_DEVICES         their number (1)
//   DSNK_EMULATOR_MEMORY          bytes of device memory (4 GB)
//   DSNK_EMULATOR_INTEGRATED      1: the GPU shares the host's memory (0)
//   DSNK_EMULATOR_LOSE_AFTER      launches, after which every call fails with an illegal address
//   DSNK_EMULATOR_MISSING         names that cuGetProcAddress does not find, with commas
//   DSNK_EMULATOR_SEED            of the order in which blocks, warps and lanes run (1)
//   DSNK_EMULATOR_TRACE           1: a line on standard error for every launch
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/driver_api.h"

namespace dsnk::cuda {

using Operation = std::function<Result()>;

struct ContextObject {
  int device = 0;
  unsigned retained = 0;
};
struct GraphObject {
  std::vector<Operation> operations;
};
struct GraphExecObject {
  std::vector<Operation> operations;
};
struct StreamObject {
  std::deque<Operation> waiting;
  GraphObject* capture = nullptr;
};

struct Allocation {
  size_t bytes;
  void* mapping;  // device memory ends where a page faults
  size_t mapped;
};

struct EmulatedDriver {
  std::recursive_mutex mutex;
  bool initialized = false;
  Result lost = kSuccess;  // every call answers this once it is set
  std::string why;
  int64_t launches = 0;
  std::vector<ContextObject> contexts;
  std::map<DevicePointer, Allocation> device;
  std::map<DevicePointer, size_t> pinned, registered;
  size_t used = 0;
  std::vector<StreamObject*> streams;
  StreamObject defaultStream;
};
EmulatedDriver& driver();

int64_t setting(const char* name, int64_t otherwise);
size_t totalMemory();
int capability();       // of all devices
unsigned sharedMost();  // per block, for this capability

// Every call begins with one of these; `refused` is what it must answer unless that is success.
struct Call {
  explicit Call(bool context = true);
  std::lock_guard<std::recursive_mutex> lock;
  Result refused;
};

// Queues or captures.
Result enqueue(Stream stream, Operation operation);
bool capturing(Stream stream);
// Runs what waits; in all streams for those of memory that goes away.
Result drain(Stream stream);
Result drainAll();
Result lose(Result error, std::string why);

// What a pointer may be for the device and the host.
bool isDevice(DevicePointer p, size_t bytes);
bool isPinned(const void* p, size_t bytes);
void freeEverything();

}  // namespace dsnk::cuda
