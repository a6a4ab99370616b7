// The contract of `depthwise`.
#include "kernels/depthwise/depthwise.h"

#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/pixels.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<DepthwiseParams>();
  Size in(0), out(0), taps(0);
  if (const char* wrong = verifyWindow<2>(p, in, out, taps)) return wrong;
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  if (!(in * p.channels * 4).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (const char* wrong = verifyPixels(out, p.channels, p.ldc, 4, c.operandBytes[0])) return wrong;
  if (!(taps * p.channels * 4).fits(c.operandBytes[2])) return "weights must hold taps·channels";
  if (c.has(3) && !(Size(p.channels) * 4).fits(c.operandBytes[3])) return "bias must hold the channels";
  if (c.has(4) && !(out * p.channels * 4).fits(c.operandBytes[4])) return "residual must hold the output";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const DepthwiseParams*>(params);
  if (p.batch == 0 || p.channels == 0 || p.outSize[0] == 0 || p.outSize[1] == 0) return 0;
  const int64_t channels = p.channels < kDepthwiseChannels ? p.channels : kDepthwiseChannels;
  const int64_t taps = p.inSize[0] == 0 || p.inSize[1] == 0 ? 1 : int64_t{p.kernel[0]} * p.kernel[1];
  return tilesFor(depthwiseUnits(p), p.outSize[1] * channels * (taps < 64 ? taps : 64) / 4, threads);
}

extern const Contract depthwise_contract{"depthwise", "wrroo", 0,     sizeof(DepthwiseParams),
                                         false,       verify,  tiles, nullptr};

}  // namespace dsnk
