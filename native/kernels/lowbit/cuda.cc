// Which entries of this family's .cu files run, and with what grid.
#include "kernels/gpu.h"
#include "kernels/lowbit/lowbit_tiles.h"
#include "kernels/lowbit/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Blocks of `across` columns and `down` rows, with so many bytes of shared memory.
static void addRows(LaunchPlan& plan, const char* module, const char* entry, int64_t n, int64_t across, int64_t m,
                    int64_t down, int64_t shared, uint32_t threads = 256) {
  if (m == 0 || n == 0) return;
  Launch launch(module, entry);
  launch.number[kLowBitDown] = ceilDiv(m, down);
  launch.grid[0] = static_cast<uint32_t>(ceilDiv(n, across) * ceilDiv(m, down));
  launch.threads = threads;
  launch.sharedBytes = static_cast<uint32_t>(shared);
  plan.add(launch);
}

void lowbit_gemm_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<LowBitGemmParams>();
  constexpr int64_t row = kLowBitRound * kLowBitGpuNr * 4;  // terms of a round
  if (p.m > 8 && problem.gpu->capability >= 75) {
    constexpr int columns = kLowBitWarpsAcross * kLowBitGpuNr, rows = kLowBitWarpsDown * kLowBitWarpRows;
    addRows(plan, "lowbit_gemm", "lowbit_gemm_many", p.n, columns, p.m, rows, 0,
            kLowBitWarpsAcross * kLowBitWarpsDown * 32);
  } else if (p.m > 4) {
    addRows(plan, "lowbit_gemm", "lowbit_gemm_8", p.n, kLowBitGpuNr, p.m, 8, 8 * row);
  } else if (p.m > 1) {
    addRows(plan, "lowbit_gemm", "lowbit_gemm_4", p.n, kLowBitGpuNr, p.m, 4, 4 * row);
  } else {
    addRows(plan, "lowbit_gemm", "lowbit_gemm_1", p.n, kLowBitGpuNr, p.m, 1, row);
  }
}

void lowbit_gemm_floats_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<LowBitFloatParams>();
  const int rows = p.m > 1 ? 8 : 1;
  addRows(plan, "lowbit_floats", rows == 8 ? "lowbit_floats_8" : "lowbit_floats_1", p.n, kLowBitGpuNr, p.m, rows,
          int64_t{rows} * 8 * kLowBitGpuNr * 4);
}

void lowbit_quantize_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<LowBitQuantizeParams>();
  const int64_t blocks = ceilDiv(p.m * ceilDiv(p.k, p.group), 8), most = 32 * int64_t{problem.gpu->multiprocessors};
  Launch launch("lowbit_quantize", "lowbit_quantize");
  launch.grid[0] = static_cast<uint32_t>(blocks < most ? blocks : most);
  plan.add(launch);
}

}  // namespace dsnk
