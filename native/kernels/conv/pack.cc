// Computes  packed[g][panel][tap·inPerGroup + c][column] = w(g, m, c, tap), 0 in columns past the last output channel
// Shapes    packed: f32 group · depth · ⌈outPerGroup/lanes⌉·lanes; w: [M, C/g, taps], or [C, M/g, taps] where
// transposed Numerics  bit-equal Tiling    one panel of one group is one unit Packing   the columns of a group stand in
// panels of at most `vectors`·lanes, nearly equal in width; inside a panel k
//           is slow and the columns are fast, so that a kernel reads a panel front to back:
//             panel 0: k=0 [w columns] k=1 [w columns] …   panel 1: …
// Source    none
#include "kernels/conv/plan.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ConvPackParams>();
  if (p.group < 1 || p.outPerGroup < 0 || p.inPerGroup < 0 || p.taps < 1) return "sizes must be sane";
  if (p.lanes < 1 || p.vectors < 1) return "lanes and vectors must be positive";
  const Size depth = Size(p.taps) * p.inPerGroup * p.group;
  if (!(depth * p.outPerGroup * 4).fits(c.operandBytes[1])) return "weights must hold group·out·in·taps";
  if (!(depth * roundUp(p.outPerGroup, p.lanes) * 4).fits(c.operandBytes[0])) return "packed must hold whole panels";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ConvPackParams*>(params);
  if (p.outPerGroup == 0 || p.inPerGroup == 0) return 0;
  const Panels panels(p.outPerGroup, p.lanes, p.vectors);
  return tilesFor(panels.count * p.group, int64_t{p.taps} * p.inPerGroup * panels.width(0) * p.lanes, threads);
}

extern const Contract conv_pack_contract{"conv_pack", "wr", 0, sizeof(ConvPackParams), false, verify, tiles, nullptr};

Fault conv_pack_scalar(const Work& w) {
  const auto& p = w.as<ConvPackParams>();
  const Panels panels(p.outPerGroup, p.lanes, p.vectors);
  const int64_t taps = p.taps, in = p.inPerGroup, out = p.outPerGroup, depth = taps * in;
  const int64_t columnStride = p.transposed ? taps : in * taps, channelStride = p.transposed ? out * taps : taps;
  const Range units = tileRange(panels.count * p.group, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t g = u / panels.count, panel = u % panels.count;
    const int64_t first = panels.startVector(panel) * p.lanes, width = int64_t{panels.width(panel)} * p.lanes;
    const int64_t valid = out - first < width ? out - first : width;
    const float* from = w.at<const float>(1) + g * in * out * taps + first * columnStride;
    float* to = w.at<float>(0) + (g * panels.vectors * p.lanes + first) * depth;
    for (int64_t c = 0; c < in; c++) {
      for (int64_t t = 0; t < taps; t++) {
        const float* source = from + c * channelStride + t;
        float* row = to + (t * in + c) * width;
        for (int64_t j = 0; j < valid; j++) row[j] = source[j * columnStride];
        for (int64_t j = valid; j < width; j++) row[j] = 0.0f;
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
