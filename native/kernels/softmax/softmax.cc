// The contract of `softmax`: operands y, x, both [outer, n, inner].
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<SoftmaxParams>();
  if (p.kind < 0 || p.kind >= kSoftmaxKindCount) return "kind must be one of SoftmaxKind";
  const Size all = Size(p.outer) * Size(p.n) * Size(p.inner) * Size(elementBytes(k.dtypes));
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, n, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, n, inner]";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const SoftmaxParams*>(params);
  return AxisTiles(p.outer, p.n, p.inner).count(threads, 8);
}

extern const Contract softmax_contract{"softmax", "wr", 1u << 1, sizeof(SoftmaxParams), false, verify, tiles, nullptr};

}  // namespace dsnk
