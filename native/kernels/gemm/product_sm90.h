// The plan of Hopper's products, for those of all types.
#pragma once
#include "kernels/gemm/tiles_sm90.h"
#include "kernels/gpu.h"

namespace dsnk {

// Rows of a into scratch, then the product: `kBytes` bytes of k as they are multiplied.
inline void addHopperProduct(const GpuProblem& problem, LaunchPlan& plan, const char* module, const char* rowsEntry,
                             const char* entry, int64_t batch, int64_t m, int64_t n, int64_t kBytes) {
  if (batch == 0 || m == 0 || n == 0) return;
  const int64_t steps = hopperSteps(kBytes);
  const int64_t list[] = {(m + HopperTile::rows - 1) / HopperTile::rows,
                          (n + HopperTile::columns - 1) / HopperTile::columns,
                          batch,
                          1,
                          kBytes,
                          steps};
  const int64_t blocks = list[0] * batch * steps, tiles = list[0] * list[1] * batch;
  plan.scratch(static_cast<uint64_t>(blocks) * HopperTile::bytesA);
  const auto add = [&](const char* name, int64_t units, int64_t most, uint32_t threads, uint32_t sharedBytes) {
    Launch launch(module, name);
    launch.grid[0] = static_cast<uint32_t>(units < most ? units : most);
    launch.threads = threads;
    launch.sharedBytes = sharedBytes;
    for (int i = 0; i < 6; i++) launch.number[i] = list[i];
    plan.add(launch);
  };
  add(rowsEntry, blocks, 32 * int64_t{problem.gpu->multiprocessors}, 256, 0);
  add(entry, tiles, problem.gpu->multiprocessors, HopperTile::threads, HopperTile::bytes);
}

}  // namespace dsnk
