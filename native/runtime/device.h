// Where jobs run: a process-wide CPU device that no environment owns. Jobs queue per team size; a team and its
// executor thread exist from the first job of that size on and sleep while there is nothing to do.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/executor.h"
#include "runtime/program.h"

namespace dsnk {

// Work for an executor thread. `work` gets the team; `finished` is called on that thread afterwards, exactly once.
struct Job {
  uint32_t threads = 1;
  std::function<void(Team&)> work;
  std::function<void()> finished;
};

class CpuDevice {
 public:
  static CpuDevice& instance();  // never destroyed: executor threads may outlive main
  void submit(std::unique_ptr<Job>);
  // Runs `work` on the calling thread, member 0 of a team of that size.
  void runHere(uint32_t threads, const std::function<void(Team&)>& work);

 private:
  CpuDevice() = default;
  struct Lane;
  Lane& lane(uint32_t threads);
  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace dsnk
