// The contracts of `conv` and `conv_transpose`: one parameter struct, one cutting, different indirection.
#include "kernels/conv/geometry.h"
#include "kernels/conv/plan.h"
#include "kernels/epilogue/params.gen.h"

namespace dsnk {

const char* convVerifyShape(const ConvParams& p, const Check& c) {
  Size out(0);
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  if (const char* wrong = convVerifyGeometry(p, c, /*xBytes=*/4, /*yBytes=*/4, out)) return wrong;
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
  return {*static_cast<const ConvParams*>(params), k.kr, k.nr / k.kr, k.isa == Isa::neona53};
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
