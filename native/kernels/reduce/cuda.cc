#include "kernels/launches.h"
#include "kernels/reduce/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"

namespace dsnk {

// Names of the entries of one type.
struct ReduceEntries {
  const char *rows, *longRows, *columns, *highColumns;
};

static void planFloats(const GpuProblem& p, LaunchPlan& plan, const ReduceEntries& entries) {
  const ReduceShape s(p.as<ReduceParams>());
  if (s.columns) {
    const bool high = isHigh(p, s.kept.count * s.m, s.count());
    return launchOver(p, plan, "reduce", high ? entries.highColumns : entries.columns,
                      s.kept.count * ceilDiv(s.m, high ? 32 : 256), 1);
  }
  const bool isLong = isLongRow(p, s.kept.count, s.n);
  launchOver(p, plan, "reduce", isLong ? entries.longRows : entries.rows, s.kept.count, isLong ? 1 : 8);
}

static void planIntegers(const GpuProblem& p, LaunchPlan& plan, const char* entry) {
  const ReduceShape s(p.as<ReduceParams>());
  launchOver(p, plan, "reduce", entry, s.kept.count * s.m, 256);
}

#define DSNK_FLOATS(type)                                                                                            \
  void reduce_##type##_sm72(const GpuProblem& p, LaunchPlan& plan) {                                                 \
    static constexpr ReduceEntries entries{"reduce_rows_" #type, "reduce_long_rows_" #type, "reduce_columns_" #type, \
                                           "reduce_high_columns_" #type};                                            \
    planFloats(p, plan, entries);                                                                                    \
  }
#define DSNK_INTEGERS(row, entry) \
  void reduce_##row##_sm72(const GpuProblem& p, LaunchPlan& plan) { planIntegers(p, plan, "reduce_" #entry); }
DSNK_FLOATS(f32)
DSNK_FLOATS(f16)
DSNK_FLOATS(bf16)
DSNK_INTEGERS(i32, i32)
DSNK_INTEGERS(i64, i64)
DSNK_INTEGERS(u8, u8)
DSNK_INTEGERS(i8, i8)
DSNK_INTEGERS(bool, u8)
#undef DSNK_FLOATS
#undef DSNK_INTEGERS

}  // namespace dsnk
