// The grid of softmax_i8.cu.
#include "kernels/gpu.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

void softmax_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<ByteSoftmaxParams>();
  if (p.n == 0) return;
  const int64_t units = problem.gpu->multiprocessors;
  // A row a block where it is long, or where warps alone would leave multiprocessors idle.
  const bool block = p.n > 2048 || (p.n >= 256 && p.rows <= 2 * units);
  const int64_t blocks = block ? p.rows : ceilDiv(p.rows, 8), most = 16 * units;
  Launch launch("softmax_i8", block ? "softmax_i8_block" : "softmax_i8_warp");
  launch.grid[0] = static_cast<uint32_t>(blocks < most ? blocks : most);
  plan.add(launch);
}

}  // namespace dsnk
