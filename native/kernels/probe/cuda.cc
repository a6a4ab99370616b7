// Plans of the probes for GPUs: probe.cu.
#if defined(__x86_64__) || defined(__aarch64__)
#include "kernels/gpu.h"
#include "kernels/probe/params.gen.h"

namespace dsnk {

static void plan(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  Launch launch("probe", entry);
  launch.grid[0] = static_cast<uint32_t>(p.as<ProbeFmaParams>().tiles);
  plan.add(launch);
}
void probe_fma_f32_sm72(const GpuProblem& p, LaunchPlan& launches) { plan(p, launches, "probe_fma_f32"); }
void probe_mma_f16_sm80(const GpuProblem& p, LaunchPlan& launches) { plan(p, launches, "probe_mma_f16"); }
void probe_mma_u8s8_sm80(const GpuProblem& p, LaunchPlan& launches) { plan(p, launches, "probe_mma_u8s8"); }

}  // namespace dsnk
#endif
