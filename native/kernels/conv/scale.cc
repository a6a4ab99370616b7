// The contract of `conv_scale`.
#include "kernels/conv/plan.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ConvScaleParams>();
  if (p.depth < 0 || p.columns < 0) return "sizes must not be negative";
  const Size bytes = Size(p.depth) * roundUp(p.columns, k.kr) * 4;
  if (!bytes.fits(c.operandBytes[0])) return "scaled weights must hold whole panels";
  if (!bytes.fits(c.operandBytes[1])) return "weights must be packed";
  if (!(Size(p.depth) * 4).fits(c.operandBytes[2])) return "scale must hold a number for every k";
  return nullptr;
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ConvScaleParams*>(params);
  if (p.columns == 0) return 0;
  return tilesFor(p.depth, ceilDiv(p.columns, k.kr) * 4, threads);
}

extern const Contract conv_scale_contract{"conv_scale", "wrr",  0,     sizeof(ConvScaleParams),
                                          false,        verify, tiles, nullptr};

}  // namespace dsnk
