// Computes  y[n,c,o] = Σt weight[t] · x[n,c,neighbour[t]] around the position that grid[n,o] names
// Shapes    y: f32 [batches, channels, positions]; x: f32 [batches, channels, D, H, W]; grid: f32 [batches, positions,
//           rank]
// Numerics  float32, neighbours in row-major order; a position that is not a number lies outside
// Tiling    32 positions a unit: their neighbours and weights are found once, then every channel plane reads them
// Packing   none
// Source    the ONNX operator definition; cubic weights: R. Keys, "Cubic convolution interpolation", with a = -0.75
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/sampling.h"

namespace dsnk {

static constexpr int64_t kBlock = 32;

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GridSampleParams>();
  if (p.rank < 1 || p.rank > 3) return "rank must be in [1, 3]";
  if (p.sampling < 0 || p.sampling >= kSamplingCount) return "sampling must be a Sampling";
  if (p.padding < 0 || p.padding >= kSamplePaddingCount) return "padding must be a SamplePadding";
  if (p.alignCorners != 0 && p.alignCorners != 1) return "alignCorners must be 0 or 1";
  Size image = 1;
  for (int32_t d = 0; d < 3; d++) {
    if (p.dims[d] < 1 || p.dims[d] > 1 << 24) return "image lengths must be in [1, 2^24]";
    if (d < 3 - p.rank && p.dims[d] != 1) return "image lengths beyond the rank must be 1";
    image = image * Size(p.dims[d]);
  }
  const Size images = Size(p.batches) * Size(p.channels);
  if (!(images * Size(p.positions) * 4).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(images * image * 4).fits(c.operandBytes[1])) return "input must hold its shape";
  if (!(Size(p.batches) * Size(p.positions) * Size(p.rank) * 4).fits(c.operandBytes[2]))
    return "grid must hold its shape";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GridSampleParams*>(params);
  if (p.channels == 0) return 0;
  const int64_t cost = (p.channels + 8) * neighboursOf(p) * kBlock;
  return tilesFor(p.batches * ceilDiv(p.positions, kBlock), cost, threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(kBlock * neighboursOf(*static_cast<const GridSampleParams*>(params))) *
         sizeof(Neighbour);
}

extern const Contract grid_sample_contract{"grid_sample", "wrr",  0,     sizeof(GridSampleParams),
                                           false,         verify, tiles, scratchBytes};

Fault grid_sample_f32_scalar(const Work& work) {
  const auto& p = work.as<GridSampleParams>();
  const int32_t taps = neighboursOf(p);
  const int64_t image = p.dims[0] * p.dims[1] * p.dims[2], blocks = ceilDiv(p.positions, kBlock);
  auto* const neighbours = reinterpret_cast<Neighbour*>(work.scratch);
  const Range units = tileRange(p.batches * blocks, work.tile, work.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t n = u / blocks, from = u % blocks * kBlock;
    const int64_t count = p.positions - from < kBlock ? p.positions - from : kBlock;
    const float* const grid = work.at<const float>(2) + (n * p.positions + from) * p.rank;
    for (int64_t i = 0; i < count; i++) findNeighbours(p, grid + i * p.rank, neighbours + i * taps);
    for (int64_t c = 0; c < p.channels; c++) {
      const float* const x = work.at<const float>(1) + (n * p.channels + c) * image;
      float* const y = work.at<float>(0) + (n * p.channels + c) * p.positions + from;
      for (int64_t i = 0; i < count; i++) {
        const Neighbour* const t = neighbours + i * taps;
        float sum = 0;
        for (int32_t k = 0; k < taps; k++) {
          if (t[k].at >= 0) sum += t[k].weight * x[t[k].at];
        }
        y[i] = sum;
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
