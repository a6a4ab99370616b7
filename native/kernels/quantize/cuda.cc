// Which entries of this family's .cu files run, and with what grid.
#include "kernels/gpu.h"
#include "kernels/quantize/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Four elements a thread, in a loop where there are more than the GPU has at a time.
static uint32_t blocksFor(const GpuProblem& problem, int64_t count) {
  const int64_t blocks = ceilDiv(count, 4 * 256), most = 16 * int64_t{problem.gpu->multiprocessors};
  return static_cast<uint32_t>(blocks < most ? blocks : most);
}

static void addLinear(const GpuProblem& problem, LaunchPlan& plan, const char* entry) {
  const auto& p = problem.as<QuantizeParams>();
  Launch launch("quantize_linear", entry);
  launch.grid[0] = blocksFor(problem, p.outer * p.axis * p.inner);
  plan.add(launch);
}

void quantize_linear_sm72(const GpuProblem& problem, LaunchPlan& plan) { addLinear(problem, plan, "quantize_linear"); }
void dequantize_linear_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  addLinear(problem, plan, "dequantize_linear");
}

void dynamic_quantize_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const uint32_t all = blocksFor(problem, problem.as<DynamicQuantizeParams>().count), blocks = all > 1 ? all : 1;
  Launch range("dynamic_quantize", "dynamic_quantize_range"), quantize("dynamic_quantize", "dynamic_quantize");
  range.grid[0] = blocks < 256 ? blocks : 256;
  quantize.grid[0] = blocks;
  quantize.number[0] = range.grid[0];
  plan.scratch(range.grid[0] * 2 * sizeof(float));
  plan.add(range);
  plan.add(quantize);
}

}  // namespace dsnk
