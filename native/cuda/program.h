// The main part of a program on a GPU. Instructions that the device has kernels for stand in stretches, each captured once into
// a CUDA graph and replayed; what stands between them runs on the processor, with copies down and up.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/device.h"
#include "runtime/program.h"

namespace dsnk::cuda {

class GpuProgram final : public AcceleratedProgram {
 public:
  static std::unique_ptr<AcceleratedProgram> make(GpuDevice&, Program&, LoadError&);
  ~GpuProgram() override;

  Block takeIo() override { return device_.hostMemory(program_.ioBytes); }
  RunResult run(const Block& io, State*, Team&, const std::atomic<bool>& abort, uint64_t* timesNs) override;
  uint64_t scratchBytes() const override { return scratchBytes_; }
  void trim() override;

 private:
  struct Prepared {  // a launch and what it stands for
    Function function;
    Launch launch;
    uint32_t pc;
  };
  struct Stretch {  // instructions [begin, end) of main
    uint32_t begin, end;
    bool onGpu;
    uint32_t firstLaunch, launches;  // into launches_
  };
  struct Workspace;
  struct Addresses;
  struct Held;

  GpuProgram(GpuDevice&, Program&);
  bool prepare(LoadError&);
  std::unique_ptr<Workspace> takeWorkspace(std::string& why);
  void giveWorkspace(std::unique_ptr<Workspace>);
  RunResult runIn(Workspace&, const Block& io, State*, Team&, const std::atomic<bool>& abort, uint64_t* timesNs);
  Failure launch(const Stretch&, Workspace&, const Addresses&);
  Failure replay(const Stretch&, uint32_t index, Workspace&, const Addresses&);
  Failure timed(const Stretch&, Workspace&, const Addresses&, uint64_t* timesNs);
  RunResult onProcessor(const Stretch&, Workspace&, const Addresses&, const Block& io, Team&,
                        const std::atomic<bool>& abort, uint64_t* timesNs);

  GpuDevice& device_;
  Program& program_;  // which owns this
  std::vector<Stretch> stretches_;
  std::vector<Prepared> launches_;
  std::vector<std::vector<Instruction>> onProcessor_;  // by stretch; empty for those of the GPU
  uint64_t scratchBytes_ = 0;
  bool mixed_ = false;  // has stretches of the processor
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace dsnk::cuda
