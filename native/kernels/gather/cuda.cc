#include "kernels/gather/params.gen.h"
#include "kernels/launches.h"
#include "kernels/strided/strided.h"

namespace dsnk {

void gather_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<GatherParams>();
  launchOver(p, plan, "gather", "gather", q.outer * q.count * q.blockBytes, 4096);
}

void gather_nd_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<GatherNdParams>();
  launchOver(p, plan, "gather", "gather_nd", q.outer * q.count * q.blockBytes, 1024);
}

void gather_elements_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<GatherElementsParams>();
  launchOver(p, plan, "gather", "gather_elements", product(q.dims, q.rank), 256);
}

}  // namespace dsnk
