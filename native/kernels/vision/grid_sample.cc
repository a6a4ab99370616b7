// Computes  y[n,c,o] = Σt weight[t] · x[n,c,neighbour[t]] around the position that grid[n,o] names
// Shapes    y: f32 [batches, channels, positions]; x: f32 [batches, channels, D, H, W]; grid: f32 [batches, positions,
//           rank]
// Numerics  float32, neighbours in row-major order; a position that is not a number lies outside
// Tiling    32 positions a unit: their neighbours and weights are found once, then every channel plane reads them
// Packing   none
// Source    the ONNX operator definition; cubic weights: R. Keys, "Cubic convolution interpolation", with a = -0.75
#include <cmath>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

static constexpr int64_t kBlock = 32;

struct Neighbour {
  int64_t at;  // -1: a zero
  float weight;
};

static int32_t neighboursOf(const GridSampleParams& p) {
  const int32_t along = p.sampling == static_cast<int32_t>(Sampling::nearest)  ? 1
                        : p.sampling == static_cast<int32_t>(Sampling::linear) ? 2
                                                                               : 4;
  int32_t n = 1;
  for (int32_t d = 0; d < p.rank; d++) n *= along;
  return n;
}

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

// Folds x into [low, high] by mirroring at both ends.
static float reflect(float x, float low, float high) {
  const float range = high - low;
  if (!(range > 0)) return low;
  const float offset = std::fabs(x - low);
  const float turns = std::floor(offset / range);
  const float rest = offset - turns * range;
  return std::fmod(turns, 2.0f) == 0 ? low + rest : high - rest;
}

struct Axis {
  int64_t length;
  float low, high;  // where mirrors stand
  SamplePadding padding;

  // The position of pixel i, or -1 for a zero.
  int64_t pixel(float i) const {
    const auto last = static_cast<float>(length - 1);
    if (i < 0 || i > last) {
      if (padding == SamplePadding::zeros) return -1;
      if (padding == SamplePadding::reflection) i = std::nearbyint(reflect(i, low, high));
      i = i < 0 ? 0 : i > last ? last : i;
    }
    return static_cast<int64_t>(i);
  }
};

static int axisNeighbours(const GridSampleParams& p, int64_t length, float part, Neighbour* out) {
  const bool corners = p.alignCorners != 0;
  const auto n = static_cast<float>(length);
  const Axis axis{length, corners ? 0.0f : -0.5f, corners ? n - 1 : n - 0.5f, static_cast<SamplePadding>(p.padding)};
  float x = corners ? (part + 1) / 2 * (n - 1) : ((part + 1) * n - 1) / 2;
  // Far outside is all the same; also what becomes of NaN.
  constexpr float kFar = 1 << 28;
  if (!(x > -kFar)) x = -kFar;
  if (x > kFar) x = kFar;
  const auto sampling = static_cast<Sampling>(p.sampling);
  if (sampling == Sampling::nearest) x = std::nearbyint(x);
  if (x < axis.low || x > axis.high) {
    if (axis.padding == SamplePadding::border) x = x < 0 ? 0 : n - 1;
    if (axis.padding == SamplePadding::reflection) x = reflect(x, axis.low, axis.high);
  }
  if (sampling == Sampling::nearest) {
    out[0] = {axis.pixel(std::nearbyint(x)), 1};
    return 1;
  }
  const float base = std::floor(x), r = x - base;
  if (sampling == Sampling::linear) {
    out[0] = {axis.pixel(base), 1 - r};
    out[1] = {axis.pixel(base + 1), r};
    return 2;
  }
  constexpr float a = -0.75f;
  auto outer = [](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto inner = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  out[0] = {axis.pixel(base - 1), outer(1 + r)};
  out[1] = {axis.pixel(base), inner(r)};
  out[2] = {axis.pixel(base + 1), inner(1 - r)};
  out[3] = {axis.pixel(base + 2), outer(2 - r)};
  return 4;
}

// The neighbours of one position in the whole image.
static void findNeighbours(const GridSampleParams& p, const float* grid, Neighbour* out) {
  Neighbour along[3][4];
  int count[3] = {1, 1, 1};
  for (int32_t d = 0; d < 3; d++) along[d][0] = {0, 1};
  for (int32_t k = 0; k < p.rank; k++) {
    const int32_t d = 2 - k;  // the grid names the last axis first
    count[d] = axisNeighbours(p, p.dims[d], grid[k], along[d]);
  }
  for (int a = 0; a < count[0]; a++) {
    for (int b = 0; b < count[1]; b++) {
      for (int c = 0; c < count[2]; c++) {
        const Neighbour &u = along[0][a], &v = along[1][b], &w = along[2][c];
        const bool outside = u.at < 0 || v.at < 0 || w.at < 0;
        *out++ = {outside ? -1 : (u.at * p.dims[1] + v.at) * p.dims[2] + w.at, u.weight * v.weight * w.weight};
      }
    }
  }
}

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
