// The contracts of convolutions whose panels of weights share a mask, over floats and over bytes. One tap over rows is a
// matrix product.
#include "kernels/conv/geometry.h"
#include "kernels/integer/verify.h"
#include "kernels/sparse/shared.h"

namespace dsnk {

static ConvPlan planOf(const Kernel& k, const void* params) {
  return {*static_cast<const ConvParams*>(params), k.kr, k.nr / k.kr, /*inOrder=*/false};
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ConvParams>();
  if (const char* wrong = convVerifyShape(p, c)) return wrong;
  if (p.channels / p.group % 4 != 0) return "channels of a group must be whole fours";
  const int64_t depth = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2] * (p.channels / p.group);
  const Panels panels(p.outChannels / p.group, k.kr, k.nr / k.kr);
  if (depth == 0 || panels.count == 0) return nullptr;
  const Size group = Size(panels.count) * sharedWords(depth) + Size(depth / 2) * Size(panels.vectors * panels.lanes);
  return (group * Size(p.group) * Size(4)).fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const ConvPlan plan = planOf(k, params);
  if (plan.pixels == 0 || plan.outPerGroup == 0) return 0;
  const int64_t cost = plan.blocksPerChunk * plan.rows * plan.panels.width(0) * (plan.depth / 2 + 1);
  return tilesFor(plan.units, cost, threads);
}

static uint64_t scratchBytes(const Kernel& k, const void* params) {
  const ConvPlan plan = planOf(k, params);
  return static_cast<uint64_t>(plan.scratchBytes() + roundUp(plan.depth / 2 * 4, 64));
}

extern const Contract sparse_conv_contract{"sparse_conv", "wrroo", 0,     sizeof(ConvParams),
                                           false,         verify,  tiles, scratchBytes};

static const char* verifyBytes(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerConvolutionParams>();
  Size out(0);
  if (const char* wrong = convVerifyGeometry(p, c, /*xBytes=*/1, integerElementBytes(p), out)) return wrong;
  if (!isIntegerByte(p.padding)) return "padding must be a byte";
  if (const char* wrong = verifyIntegerEnding(p, c, p.outChannels, out * Size(p.outChannels))) return wrong;
  if (p.channels / p.group % 4 != 0) return "channels of a group must be whole fours";
  const NarrowProduct shape = sharedProductOf(p, IntegerRow(kernel));
  const Size panel(sharedPanelBytes(shape.k, shape.nr, shape.bytes));
  return (Size(ceilDiv(shape.n, shape.nr)) * Size(p.group) * panel).fits(c.operandBytes[2]) ? nullptr
                                                                                            : "weights must be packed";
}

static uint32_t tilesBytes(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(sharedProductOf(*static_cast<const IntegerConvolutionParams*>(params), IntegerRow(k)), threads);
}

static uint64_t scratchOfBytes(const Kernel& k, const void* params) {
  const NarrowProduct shape = sharedProductOf(*static_cast<const IntegerConvolutionParams*>(params), IntegerRow(k));
  return shape.scratchBytes() + static_cast<uint64_t>(kSharedRows * sharedRow(shape.k, shape.bytes) * shape.bytes);
}

extern const Contract sparse_conv_i8_contract{
    "sparse_conv_i8", "wrrrooo", 0, sizeof(IntegerConvolutionParams), false, verifyBytes, tilesBytes, scratchOfBytes};

}  // namespace dsnk
