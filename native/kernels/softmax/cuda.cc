#include "kernels/launches.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

// Names of the entries of one type.
struct SoftmaxEntries {
  const char *rows, *longRows, *columns, *highColumns, *hardmax;
};

static void planSoftmax(const GpuProblem& p, LaunchPlan& plan, const SoftmaxEntries& entries) {
  const auto& q = p.as<SoftmaxParams>();
  if (q.n == 0) return;
  const int64_t columns = q.outer * q.inner;
  if (q.kind == static_cast<int32_t>(SoftmaxKind::hardmax))
    return launchOver(p, plan, "softmax", entries.hardmax, columns, 256);
  if (q.inner == 1) {
    const bool isLong = isLongRow(p, q.outer, q.n);
    return launchOver(p, plan, "softmax", isLong ? entries.longRows : entries.rows, q.outer, isLong ? 1 : 8);
  }
  const bool high = isHigh(p, columns, q.n);
  launchOver(p, plan, "softmax", high ? entries.highColumns : entries.columns,
             q.outer * ceilDiv(q.inner, high ? 32 : 256), 1);
}

#define DSNK_FLOATS(type)                                                                            \
  void softmax_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) {                                \
    static constexpr SoftmaxEntries entries{"softmax_rows_" #type, "softmax_long_rows_" #type,       \
                                            "softmax_columns_" #type, "softmax_high_columns_" #type, \
                                            "hardmax_" #type};                                       \
    planSoftmax(p, plan, entries);                                                                   \
  }
DSNK_FLOATS(f32)
DSNK_FLOATS(f16)
DSNK_FLOATS(bf16)
#undef DSNK_FLOATS

}  // namespace dsnk
