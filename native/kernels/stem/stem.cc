// The contract of `stem`.
#include "kernels/stem/stem.h"

#include "kernels/epilogue/params.gen.h"
#include "kernels/pixels.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<StemParams>();
  if (p.outChannels < 0) return "sizes must not be negative";
  if (p.channels < 1 || p.channels > kStemChannels) return "channels must be 1 to 4";
  Size in(0), out(0), taps(0);
  if (const char* wrong = verifyWindow<2>(p, in, out, taps)) return wrong;
  const int64_t each = p.channelsLast ? p.channels : 1, planes = p.channelsLast ? 1 : p.channels;
  if (p.kernel[0] * planes > kStemRows || p.kernel[1] * each > kStemRun) return "window must be small";
  const int64_t step = p.strides[1] * each;
  if (step != 1 && step != 2 && step != 3 && step != 6) return "step must be 1, 2, 3 or 6";
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  if (!(in * p.channels * 4).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (const char* wrong = verifyPixels(out, p.outChannels, p.ldc, 4, c.operandBytes[0])) return wrong;
  if (!(taps * p.channels * roundUp(p.outChannels, k.kr) * 4).fits(c.operandBytes[2])) return "weights must be packed";
  if (c.has(3) && !(Size(p.outChannels) * 4).fits(c.operandBytes[3])) return "bias must hold the output channels";
  return nullptr;
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const StemParams*>(params);
  const StemPlan plan(p, k.kr, k.nr / k.kr);
  return tilesFor(plan.units, p.outSize[1] * plan.panels.vectors * (plan.depth + 1), threads);
}

// The input rows of one tile at the border, with zeros around.
static uint64_t scratchBytes(const Kernel&, const void*) { return kStemRows * kStemSpan * 4; }

extern const Contract stem_contract{"stem", "wrro", 0, sizeof(StemParams), false, verify, tiles, scratchBytes};

}  // namespace dsnk
