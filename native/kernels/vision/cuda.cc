#include "kernels/launches.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

void grid_sample_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GridSampleParams>();
  const int64_t positions = p.batches * p.positions;
  if (positions == 0 || p.channels == 0) return;
  // Chunks of channels, until there are threads enough.
  const int64_t wanted = 2048 * int64_t{problem.gpu->multiprocessors} / positions;
  const int64_t chunks = wanted < 1 ? 1 : wanted < p.channels ? wanted : p.channels;
  launchOver(problem, plan, "grid_sample", "grid_sample_f32", positions * chunks, 256, 0, chunks);
}

}  // namespace dsnk
