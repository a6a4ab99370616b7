#include "kernels/copy/params.gen.h"
#include "kernels/launches.h"

namespace dsnk {

void copy_sm72(const GpuProblem& p, LaunchPlan& plan) {
  launchOver(p, plan, "copy", "copy_bytes", p.as<CopyParams>().bytes, 256 * 16);
}

}  // namespace dsnk
