// A GPU of NVIDIA's as an accelerator: its primary context, its memory, the modules with our kernels.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/driver.h"
#include "kernels/gpu.h"
#include "runtime/accelerator.h"

namespace dsnk::cuda {

// What a failed call of the driver becomes.
struct Failure {
  Result result = kSuccess;
  std::string call;
  explicit operator bool() const { return result != kSuccess; }
};

struct Properties {
  std::string name;
  int driverVersion = 0;
  uint64_t memoryBytes = 0;
  bool integrated = false;  // shares the memory of the processor: Jetson
  GpuTraits traits;
};

class GpuDevice final : public Accelerator {
 public:
  // The process's GPU. The first call opens it; `files` are paths of modules with '*' for the name, tried in order. Null
  // with the reason where there is none, or it has been lost; a later call may try again.
  static GpuDevice* open(const std::string& library, const std::vector<std::string>& files, Refusal& why);
  static GpuDevice* opened();

  // A module in memory, for what no file has: an image whose end it says itself. It must live as long as the device. What is
  // given first is tried first.
  void offer(const std::string& name, const char* image);
  bool hasOffers();

  const Properties& properties() const { return properties_; }
  const Driver& driver() const { return driver_; }

  bool runs(Isa) const override;
  bool allocate(uint64_t bytes, DeviceMemory& memory) override;
  void release(uint64_t address) override;
  bool copyTo(const DeviceMemory& to, const std::byte* from, uint64_t bytes) override;
  bool copyFrom(std::byte* to, const DeviceMemory& from, uint64_t bytes) override;
  bool clear(const DeviceMemory&) override;
  std::string lost() override;
  std::unique_ptr<AcceleratedProgram> accelerate(Program&, LoadError& error) override;

  // Memory of the host that the device reads and writes directly; where it is integrated, this is the io segment itself.
  Block hostMemory(uint64_t bytes);
  // Where the device sees such memory.
  bool addressOf(const std::byte* host, uint64_t& address);
  // The entry of a module, loaded when it is first asked for. Null with the reason.
  Function entry(const Launch&, std::string& why);
  std::string textOf(const Failure& f) const { return f.call + ": " + cuda::textOf(driver_, f.result); }

  // Makes the device's context that of this thread while it lives.
  class Current {
   public:
    explicit Current(const GpuDevice& d) : driver_(d.driver_) { driver_.cuCtxPushCurrent(d.context_); }
    ~Current() {
      Context before = nullptr;
      driver_.cuCtxPopCurrent(&before);
    }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

   private:
    const Driver& driver_;
  };

 private:
  GpuDevice() = default;
  bool start(Refusal& why);
  Module moduleOf(const std::string& name, std::string& why);

  Driver driver_{};
  Context context_ = nullptr;
  Stream copies_ = nullptr;  // of loads and states; runs have streams of their own
  std::atomic<bool> lost_{false};
  Properties properties_;
  std::vector<std::string> files_;
  std::mutex mutex_;  // of what is below
  std::vector<std::pair<std::string, const char*>> images_;
  std::unordered_map<std::string, Module> modules_;
  std::unordered_map<std::string, Function> entries_;
};

}  // namespace dsnk::cuda
