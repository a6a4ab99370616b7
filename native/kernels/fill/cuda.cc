#include "kernels/fill/params.gen.h"
#include "kernels/launches.h"
#include "kernels/strided/strided.h"

namespace dsnk {

void fill_sm72(const GpuProblem& p, LaunchPlan& plan) {
  launchOver(p, plan, "fill", "fill", p.as<FillParams>().bytes, 4096);
}

void range_sm72(const GpuProblem& p, LaunchPlan& plan) {
  launchOver(p, plan, "fill", "range", p.as<RangeParams>().count, 256);
}

void trilu_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<TriluParams>();
  const int64_t dims[] = {q.batch, q.rows, q.columns};
  launchOver(p, plan, "fill", "trilu", product(dims, 3), 256);
}

void eye_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<EyeParams>();
  const int64_t dims[] = {q.rows, q.columns};
  launchOver(p, plan, "fill", "eye", product(dims, 2), 256);
}

void one_hot_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<OneHotParams>();
  const int64_t dims[] = {q.outer, q.depth, q.inner};
  launchOver(p, plan, "fill", "one_hot", product(dims, 3), 256);
}

void reverse_sequence_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<ReverseSequenceParams>();
  launchOver(p, plan, "fill", "reverse_sequence", q.time * q.batch * q.blockBytes, 1024);
}

}  // namespace dsnk
