#include "kernels/launches.h"

#include "kernels/sizes.h"

namespace dsnk {

uint32_t blocksOver(const GpuProblem& problem, int64_t items, int64_t perBlock) {
  constexpr int64_t kBlocksEach = 16;  // of 256 threads: two to three times what a multiprocessor holds
  const int64_t most = kBlocksEach * problem.gpu->multiprocessors, blocks = items > 0 ? ceilDiv(items, perBlock) : 0;
  return static_cast<uint32_t>(blocks < most ? blocks : most < 1 ? 1 : most);
}

void launchOver(const GpuProblem& problem, LaunchPlan& plan, const char* module, const char* entry, int64_t items,
                int64_t perBlock, uint32_t sharedBytes, int64_t number0, int64_t number1) {
  Launch launch(module, entry);
  launch.grid[0] = blocksOver(problem, items, perBlock);
  launch.sharedBytes = sharedBytes;
  launch.number[0] = number0;
  launch.number[1] = number1;
  plan.add(launch);
}

}  // namespace dsnk
