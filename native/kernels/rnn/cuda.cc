// Whether one block walks all steps of its sequences, or every step is a launch.
#include "kernels/launches.h"
#include "kernels/rnn/cell.h"

namespace dsnk {

// Weights that one multiprocessor reads from L2 while a launch would start.
static constexpr int64_t kOneBlockBytes = 256 * 1024;
// A longer sequence would fill its graph with launches.
static constexpr int64_t kMostLaunches = 8192;
static constexpr int64_t kSharedBytes = 48 * 1024;

void recurrent_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<RecurrentParams>();
  if (p.batch == 0) return;
  const int64_t gates = cellGates(static_cast<Cell>(p.kind)), panels = cellPanels(p.hidden);
  const bool late = static_cast<Cell>(p.kind) == Cell::gru && p.linearBeforeReset == 0;
  const int64_t launches = late ? 2 : 1;
  // Few sequences take a block each; the order of their sums is the same.
  const bool alone = p.batch * p.directions <= problem.gpu->multiprocessors;
  const int64_t rows = alone ? 1 : kCellRows, blocks = ceilDiv(p.batch, rows);
  const bool steps = gates * panels * kCellPanel * p.hidden * 4 > launches * kOneBlockBytes && p.steps > 0 &&
                     p.steps * launches <= kMostLaunches;
  Launch launch("recurrent", steps ? (alone ? "recurrent_step1" : "recurrent_step4")
                                   : (alone ? "recurrent_block1" : "recurrent_block4"));
  launch.grid[0] = static_cast<uint32_t>(steps ? blocks * panels : blocks);
  launch.grid[1] = static_cast<uint32_t>(p.directions);
  if (!steps) {
    // A warp for 32 k of a panel, as far as there are warps.
    const int64_t wanted = gates * panels * ceilDiv(p.hidden, 32), warps = wanted < 2 ? 2 : wanted < 16 ? wanted : 16;
    launch.threads = static_cast<uint32_t>(warps * 32);
    const int64_t bytes = cellBlockBytes(p, rows, warps);
    launch.number[0] = bytes <= kSharedBytes;
    if (bytes <= kSharedBytes)
      launch.sharedBytes = static_cast<uint32_t>(bytes);
    else
      plan.scratch(static_cast<uint64_t>(blocks * p.directions * bytes));
    return plan.add(launch);
  }
  launch.threads = kCellStepThreads;
  plan.scratch(static_cast<uint64_t>(4 * p.directions * p.batch * panels * kCellPanel * 4));
  for (int64_t s = 0; s < p.steps; s++) {
    launch.number[0] = s;
    for (launch.number[1] = launches - 1; launch.number[1] >= 0; launch.number[1]--) plan.add(launch);
  }
}

}  // namespace dsnk
