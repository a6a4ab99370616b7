// The contracts of `conv` and `conv_transpose`: one parameter struct, one cutting, different indirection.
#include "kernels/conv/plan.h"
#include "kernels/epilogue/params.gen.h"

namespace dsnk {

const char* convVerifyShape(const ConvParams& p, const Check& c) {
  if (p.batch < 0 || p.channels < 0 || p.outChannels < 0) return "sizes must not be negative";
  if (p.group < 1 || p.channels % p.group || p.outChannels % p.group) return "group must divide both channel counts";
  Size in(p.batch), out(p.batch), taps(1);
  for (int a = 0; a < 3; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.kernel[a] < 1 || p.strides[a] < 1 || p.dilations[a] < 1) return "kernel, strides, dilations must be positive";
    in = in * p.inSize[a];
    out = out * p.outSize[a];
    taps = taps * p.kernel[a];
  }
  if (!taps.fits(1 << 20)) return "kernel must have at most 2^20 taps";
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  if (p.ldc < p.outChannels) return "ldc must be at least the output channels";
  if (!(in * p.channels * 4).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (out.bad()) return "output must have a sane size";
  if (out.value() > 0 && p.outChannels > 0 &&
      !((Size(static_cast<int64_t>(out.value()) - 1) * p.ldc + p.outChannels) * 4).fits(c.operandBytes[0]))
    return "y must hold its pixels, ldc apart";
  if (!(taps * (p.channels / p.group)).fits(1u << 30)) return "depth must be below 2^30";
  if (c.has(3) && !(Size(p.outChannels) * 4).fits(c.operandBytes[3])) return "bias must hold the output channels";
  if (c.has(4) && !(out * p.outChannels * 4).fits(c.operandBytes[4])) return "residual must hold the output";
  return nullptr;
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ConvParams>();
  if (const char* wrong = convVerifyShape(p, c)) return wrong;
  const Size depth = Size(p.kernel[0]) * p.kernel[1] * p.kernel[2] * (p.channels / p.group);
  const Size weights = depth * roundUp(p.outChannels / p.group, k.kr) * p.group * 4;
  return weights.fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

static ConvPlan planOf(const Kernel& k, const void* params) {
  return {*static_cast<const ConvParams*>(params), k.kr, k.nr / k.kr};
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const ConvPlan plan = planOf(k, params);
  if (plan.pixels == 0 || plan.outPerGroup == 0) return 0;
  const int64_t cost = plan.blocksPerChunk * plan.rows * plan.panels.width(0) * (plan.depth + 1);
  return tilesFor(plan.units, cost, threads);
}

static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return static_cast<uint64_t>(planOf(k, params).scratchBytes());
}

extern const Contract conv_contract{"conv", "wrroo", 0, sizeof(ConvParams), false, verify, tiles, scratchBytes};
extern const Contract conv_transpose_contract{"conv_transpose", "wrroo", 0,           sizeof(ConvParams), false,
                                              verify,           tiles,   scratchBytes};

}  // namespace dsnk
