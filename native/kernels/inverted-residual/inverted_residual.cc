// The contract of `inverted_residual`.
#include <initializer_list>

#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"
#include "kernels/pixels.h"

namespace dsnk {

// Operands; see lib/kernels/inverted-residual.ts.
enum : uint32_t { kY, kX, kExpand, kExpandBias, kDepthwise, kDepthwiseBias, kProject, kProjectBias, kResidual };

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<InvertedResidualParams>();
  if (p.channels < 1 || p.hidden < 1 || p.outChannels < 1) return "channels must be positive";
  if ((p.expand | 1) != 1 || (p.project | 1) != 1) return "flags must be 0 or 1";
  if (!p.expand && p.channels != p.hidden) return "channels must be the hidden ones where nothing expands";
  if (!p.project && p.outChannels != p.hidden) return "output channels must be the hidden ones where nothing projects";
  if (p.inSize[0] < 1 || p.inSize[1] < 1) return "input must have rows and columns";
  Size in(0), out(0), taps(0);
  if (const char* wrong = verifyWindow<2>(p, in, out, taps)) return wrong;
  for (int32_t a : {p.expandActivation, p.depthwiseActivation, p.projectActivation}) {
    if (a < 0 || a >= kActivationCount) return "activations must be known";
  }
  if (p.bandRows < 1) return "a band must have rows";
  if (!(in * p.channels * 4).fits(c.operandBytes[kX])) return "x must hold batch·size·channels";
  if (const char* wrong = verifyPixels(out, p.outChannels, p.ldc, 4, c.operandBytes[kY])) return wrong;
  if (p.expand && !(Size(p.channels) * roundUp(p.hidden, k.nr) * 4).fits(c.operandBytes[kExpand]))
    return "expanding weights must be packed";
  if (!(taps * p.hidden * 4).fits(c.operandBytes[kDepthwise])) return "depthwise weights must hold taps·hidden";
  if (p.project && !(Size(p.hidden) * roundUp(p.outChannels, k.nr) * 4).fits(c.operandBytes[kProject]))
    return "projecting weights must be packed";
  for (uint32_t i : {kExpandBias, kDepthwiseBias}) {
    if (c.has(i) && !(Size(p.hidden) * 4).fits(c.operandBytes[i])) return "bias must hold the hidden channels";
  }
  if (c.has(kProjectBias) && !(Size(p.outChannels) * 4).fits(c.operandBytes[kProjectBias]))
    return "bias must hold the output channels";
  if (c.has(kResidual) && !(out * p.outChannels * 4).fits(c.operandBytes[kResidual]))
    return "residual must hold the output";
  const Bands bands(p);
  const Size scratch =
      (Size(bands.ringRows) * bands.ringRow * p.expand + Size(p.bandRows) * bands.bandRow * p.project) * 4;
  if (!scratch.fits(kBandScratch)) return "a band must fit its scratch";
  return nullptr;
}

// Every tile expands the rows at its ends that a neighbour expands too, so there are as many as threads, or twice as
// many where they still have 28 rows: the first thread to finish then takes from the other.
static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const InvertedResidualParams*>(params);
  const int64_t rows = int64_t{p.batch} * p.outSize[0];
  if (rows == 0 || p.outSize[1] == 0) return 0;
  // Vector multiply-adds of a row; capped, so that no product overflows.
  const int64_t elements = int64_t{p.outSize[1]} * p.hidden / 16, each = int64_t{p.channels} + p.outChannels;
  const int64_t cost = (elements < 1 << 30 ? elements : 1 << 30) * (each < 1 << 20 ? each : 1 << 20);
  const int64_t most = rows >= int64_t{56} * threads ? int64_t{2} * threads : threads;
  const int64_t t = tilesFor(rows, cost, threads);
  return static_cast<uint32_t>(t < most ? t : most);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const InvertedResidualParams*>(params);
  const Bands bands(p);
  const int64_t floats = bands.ringFloats() + (p.project ? p.bandRows * bands.bandRow : 0);
  return static_cast<uint64_t>(floats * 4);
}

extern const Contract inverted_residual_contract{
    "inverted_residual", "wrooroooo", 0, sizeof(InvertedResidualParams), false, verify, tiles, scratchBytes};

}  // namespace dsnk
