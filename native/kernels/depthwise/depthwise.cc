// The contract of `depthwise`.
#include "kernels/depthwise/depthwise.h"

#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<DepthwiseParams>();
  if (p.batch < 0 || p.channels < 0) return "sizes must not be negative";
  Size in(p.batch), out(p.batch), taps(1);
  for (int a = 0; a < 2; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.kernel[a] < 1 || p.strides[a] < 1 || p.dilations[a] < 1) return "kernel, strides, dilations must be positive";
    in = in * p.inSize[a];
    out = out * p.outSize[a];
    taps = taps * p.kernel[a];
  }
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  if (p.ldc < p.channels) return "ldc must be at least the channels";
  if (!(in * p.channels * 4).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (out.bad()) return "output must have a sane size";
  if (out.value() > 0 && p.channels > 0 &&
      !((Size(static_cast<int64_t>(out.value()) - 1) * p.ldc + p.channels) * 4).fits(c.operandBytes[0]))
    return "y must hold its pixels, ldc apart";
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
