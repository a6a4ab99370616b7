#include "kernels/launches.h"

#include "kernels/sizes.h"

namespace dsnk {

void launchOver(const GpuProblem& problem, LaunchPlan& plan, const char* module, const char* entry, int64_t items,
                int64_t perBlock, uint32_t sharedBytes, int64_t number0, int64_t number1) {
  if (items <= 0) return;
  constexpr int64_t kBlocksEach = 16;  // of 256 threads: two to three times what a multiprocessor holds
  const int64_t most = kBlocksEach * problem.gpu->multiprocessors, blocks = ceilDiv(items, perBlock);
  Launch launch(module, entry);
  launch.grid[0] = static_cast<uint32_t>(blocks < most ? blocks : most < 1 ? 1 : most);
  launch.sharedBytes = sharedBytes;
  launch.number[0] = number0;
  launch.number[1] = number1;
  plan.add(launch);
}

}  // namespace dsnk
