#include "kernels/launches.h"
#include "kernels/scan/params.gen.h"

namespace dsnk {

static void planScan(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const auto& q = p.as<ScanParams>();
  if (q.n > 0) launchOver(p, plan, "scan", entry, q.outer * q.inner, 256);
}
void scan_f32_sm72(const GpuProblem& p, LaunchPlan& plan) { planScan(p, plan, "scan_f32"); }
void scan_i32_sm72(const GpuProblem& p, LaunchPlan& plan) { planScan(p, plan, "scan_i32"); }
void scan_i64_sm72(const GpuProblem& p, LaunchPlan& plan) { planScan(p, plan, "scan_i64"); }

}  // namespace dsnk
