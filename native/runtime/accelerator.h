// A device beside the processor, with memory of its own, as the runtime knows it: it runs the main part of programs whose
// weight store belongs to it. `init` always runs on the processor; what it makes is copied to the device.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "kernels/kernel.h"
#include "runtime/executor.h"
#include "runtime/memory.h"

namespace dsnk {

class Accelerator;
class Program;
struct LoadError;
struct State;

// Memory of an accelerator, given back when this goes. Zeros at first.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(Accelerator& of, uint64_t address, uint64_t bytes) : of_(&of), address_(address), bytes_(bytes) {}
  DeviceMemory(DeviceMemory&& o) noexcept
      : of_(o.of_), address_(std::exchange(o.address_, 0)), bytes_(std::exchange(o.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& o) noexcept {
    std::swap(of_, o.of_);
    std::swap(address_, o.address_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }
  ~DeviceMemory();

  uint64_t address() const { return address_; }
  uint64_t bytes() const { return bytes_; }
  Accelerator* of() const { return of_; }

 private:
  Accelerator* of_ = nullptr;
  uint64_t address_ = 0, bytes_ = 0;
};

// What an accelerator makes of the main part of a program. Runs may come from several threads at once.
class AcceleratedProgram {
 public:
  virtual ~AcceleratedProgram() = default;
  // Memory of the host that the device copies from and to fast.
  virtual Block takeIo() = 0;
  // One run; `io` holds the inputs and receives the outputs. The team runs what the device has no kernel for.
  virtual RunResult run(const Block& io, State* state, Team& team, const std::atomic<bool>& abort,
                        uint64_t* timesNs) = 0;
  virtual uint64_t scratchBytes() const = 0;
  virtual void trim() = 0;
};

class Accelerator {
 public:
  virtual ~Accelerator() = default;
  virtual bool runs(Isa) const = 0;
  // False when the device has no memory for it; 0 bytes always succeed.
  virtual bool allocate(uint64_t bytes, DeviceMemory& memory) = 0;
  virtual void release(uint64_t address) = 0;
  virtual bool copyTo(const DeviceMemory& to, const std::byte* from, uint64_t bytes) = 0;
  virtual bool copyFrom(std::byte* to, const DeviceMemory& from, uint64_t bytes) = 0;
  virtual bool clear(const DeviceMemory&) = 0;
  // Asked where memory was refused: why the device does nothing any more, in the driver's words; empty where it only lacks memory.
  virtual std::string lost() = 0;
  // Null with the reason in `error` where the device cannot run it.
  virtual std::unique_ptr<AcceleratedProgram> accelerate(Program&, LoadError& error) = 0;
};

inline DeviceMemory::~DeviceMemory() {
  if (address_ != 0) of_->release(address_);
}

}  // namespace dsnk
