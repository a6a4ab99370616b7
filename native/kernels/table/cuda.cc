// The grid of byte_table.cu.
#include "kernels/gpu.h"
#include "kernels/sizes.h"
#include "kernels/table/params.gen.h"

namespace dsnk {

void byte_table_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const int64_t blocks = ceilDiv(problem.as<ByteTableParams>().count, 256 * 16),
                most = 16 * int64_t{problem.gpu->multiprocessors};
  Launch launch("byte_table", "byte_table");
  launch.grid[0] = static_cast<uint32_t>(blocks < most ? blocks : most);
  plan.add(launch);
}

}  // namespace dsnk
