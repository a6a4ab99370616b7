// The contracts of `lp_norm` and `lrn`: along, and about, the middle of [outer, n, inner].
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verifyLp(const Kernel&, const Check& c) {
  const auto& p = c.as<LpNormParams>();
  if (p.p != 1 && p.p != 2) return "p must be 1 or 2";
  const Size all = Size(p.outer) * Size(p.n) * Size(p.inner) * Size(4);
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, n, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, n, inner]";
  return nullptr;
}

static uint32_t lpTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const LpNormParams*>(params);
  return AxisTiles(p.outer, p.n, p.inner).count(threads, 2);
}

extern const Contract lp_norm_contract{"lp_norm", "wr",     1u << 1, sizeof(LpNormParams),
                                       false,     verifyLp, lpTiles, nullptr};

static const char* verifyLrn(const Kernel&, const Check& c) {
  const auto& p = c.as<LrnParams>();
  if (p.size < 1 || p.size > 4096) return "size must be 1 to 4096";
  const Size all = Size(p.outer) * Size(p.channels) * Size(p.inner) * Size(4);
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, channels, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, channels, inner]";
  return nullptr;
}

static uint32_t lrnTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const LrnParams*>(params);
  return AxisTiles(p.outer, p.channels, p.inner).count(threads, 32);
}

extern const Contract lrn_contract{"lrn", "wr", 0, sizeof(LrnParams), false, verifyLrn, lrnTiles, nullptr};

}  // namespace dsnk
