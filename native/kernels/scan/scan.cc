// The contract of `scan`: operands y, x, both [outer, n, inner].
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/scan/params.gen.h"
#include "kernels/scan/strip.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ScanParams>();
  if (p.kind < 0 || p.kind >= kScanKindCount) return "kind must be one of ScanKind";
  if ((p.exclusive | 1) != 1 || (p.reverse | 1) != 1) return "flags must be 0 or 1";
  const Size all = Size(p.outer) * Size(p.n) * Size(p.inner) * Size(elementBytes(k.dtypes));
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, n, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, n, inner]";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ScanParams*>(params);
  return AxisTiles(p.outer, p.n, p.inner, kScanStrip).count(threads, 4);
}

extern const Contract scan_contract{"scan", "wr", 1u << 1, sizeof(ScanParams), false, verify, tiles, nullptr};

}  // namespace dsnk
