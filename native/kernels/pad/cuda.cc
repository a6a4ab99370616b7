#include "kernels/launches.h"
#include "kernels/pad/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

void pad_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<PadParams>();
  int64_t padded[8];
  for (int32_t d = 0; d < q.rank; d++) padded[d] = q.before[d] + q.dims[d] + q.after[d];
  launchOver(p, plan, "pad", "pad", product(padded, q.rank), 256);
}

}  // namespace dsnk
