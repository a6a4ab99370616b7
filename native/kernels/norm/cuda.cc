#include "kernels/launches.h"
#include "kernels/norm/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static void planRows(const GpuProblem& p, LaunchPlan& plan, const char* rows, const char* longRows) {
  const auto& q = p.as<NormRowsParams>();
  const bool isLong = isLongRow(p, q.rows, q.n);
  launchOver(p, plan, "norm_rows", isLong ? longRows : rows, q.rows, isLong ? 1 : 8);
}

#define DSNK_FLOATS(type)                                               \
  void norm_rows_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) { \
    planRows(p, plan, "norm_rows_" #type, "norm_long_rows_" #type);     \
  }
DSNK_FLOATS(f32)
DSNK_FLOATS(f16)
DSNK_FLOATS(bf16)
#undef DSNK_FLOATS

void moments_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<MomentsParams>();
  const bool columns = q.inner == 1;
  launchOver(p, plan, "channels", columns ? "moments_of_columns" : "moments_of_channels", q.channels, columns ? 32 : 1);
}

void channel_norm_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<ChannelNormParams>();
  launchOver(p, plan, "channels", "channel_norm", q.outer * q.channels * q.inner, 256);
}

void lp_norm_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<LpNormParams>();
  if (q.n == 0) return;
  if (q.inner == 1) {
    const bool isLong = isLongRow(p, q.outer, q.n);
    return launchOver(p, plan, "channels", isLong ? "lp_long_rows" : "lp_rows", q.outer, isLong ? 1 : 8);
  }
  const bool high = isHigh(p, q.outer * q.inner, q.n);
  launchOver(p, plan, "channels", high ? "lp_high_columns" : "lp_columns", q.outer * ceilDiv(q.inner, high ? 32 : 256),
             1);
}

void lrn_f32_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<LrnParams>();
  launchOver(p, plan, "channels", "lrn", q.outer * q.channels * q.inner, 256);
}

}  // namespace dsnk
