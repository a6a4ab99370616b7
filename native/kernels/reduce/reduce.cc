// The contract of `reduce`: operands y, x.
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/reduce/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ReduceParams>();
  if (p.kind < 0 || p.kind >= kReductionCount) return "kind must be one of Reduction";
  if (p.rank < 1 || p.rank > 8) return "rank must be 1 to 8";
  Size kept(1), all(1);
  // Zero dimensions count as one here too, so that no stride and no loop count can overflow.
  Size strides(1);
  for (int d = 0; d < p.rank; d++) {
    const Size n(p.dims[d]);
    all = all * n;
    strides = strides * Size(p.dims[d] > 1 ? p.dims[d] : 1);
    if (!((p.reduced >> d) & 1)) kept = kept * n;
  }
  const Size bytes(elementBytes(k.dtypes));
  if ((strides * bytes).bad() || (all * bytes).bad())
    return "dims must be non-negative and their product must not overflow";
  if (!(kept * bytes).fits(c.operandBytes[0])) return "output must hold the kept dimensions";
  if (!(all * bytes).fits(c.operandBytes[1])) return "input must hold `dims`";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const ReduceShape s(*static_cast<const ReduceParams*>(params));
  if (s.columns) {
    const int64_t strips = ceilDiv(s.m, kReduceWide);
    return tilesFor(s.kept.count * strips, s.count() * (s.m < kReduceWide ? s.m : kReduceWide), threads);
  }
  return tilesFor(s.kept.count, s.count(), threads);
}

extern const Contract reduce_contract{"reduce", "wr", 0, sizeof(ReduceParams), false, verify, tiles, nullptr};

}  // namespace dsnk
