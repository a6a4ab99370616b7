// Which pixels a position of grid_sample lies between, and their weights: for rows of processors and of GPUs.
#pragma once
#include <math.h>

#include <cstdint>

#include "cuda/work.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

constexpr int kMostNeighbours = 64;  // cubic, in three dimensions

struct Neighbour {
  int64_t at;  // -1: a zero
  float weight;
};

DSNK_ANYWHERE int32_t neighboursOf(const GridSampleParams& p) {
  const int32_t along = p.sampling == static_cast<int32_t>(Sampling::nearest)  ? 1
                        : p.sampling == static_cast<int32_t>(Sampling::linear) ? 2
                                                                               : 4;
  int32_t n = 1;
  for (int32_t d = 0; d < p.rank; d++) n *= along;
  return n;
}

// Folds x into [low, high] by mirroring at both ends.
DSNK_ANYWHERE float reflect(float x, float low, float high) {
  const float range = high - low;
  if (!(range > 0)) return low;
  const float offset = fabsf(x - low);
  const float turns = floorf(offset / range);
  const float rest = offset - turns * range;
  return fmodf(turns, 2.0f) == 0 ? low + rest : high - rest;
}

struct SampledAxis {
  int64_t length;
  float low, high;  // where mirrors stand
  SamplePadding padding;

  // The position of pixel i, or -1 for a zero.
  DSNK_ANYWHERE int64_t pixel(float i) const {
    const auto last = static_cast<float>(length - 1);
    if (i < 0 || i > last) {
      if (padding == SamplePadding::zeros) return -1;
      if (padding == SamplePadding::reflection) i = rintf(reflect(i, low, high));
      i = i < 0 ? 0 : i > last ? last : i;
    }
    return static_cast<int64_t>(i);
  }
};

DSNK_ANYWHERE int axisNeighbours(const GridSampleParams& p, int64_t length, float part, Neighbour* out) {
  const bool corners = p.alignCorners != 0;
  const auto n = static_cast<float>(length);
  const SampledAxis axis{length, corners ? 0.0f : -0.5f, corners ? n - 1 : n - 0.5f,
                         static_cast<SamplePadding>(p.padding)};
  float x = corners ? (part + 1) / 2 * (n - 1) : ((part + 1) * n - 1) / 2;
  // Far outside is all the same; also what becomes of NaN.
  constexpr float kFar = 1 << 28;
  if (!(x > -kFar)) x = -kFar;
  if (x > kFar) x = kFar;
  const auto sampling = static_cast<Sampling>(p.sampling);
  if (sampling == Sampling::nearest) x = rintf(x);
  if (x < axis.low || x > axis.high) {
    if (axis.padding == SamplePadding::border) x = x < 0 ? 0 : n - 1;
    if (axis.padding == SamplePadding::reflection) x = reflect(x, axis.low, axis.high);
  }
  if (sampling == Sampling::nearest) {
    out[0] = {axis.pixel(rintf(x)), 1};
    return 1;
  }
  const float base = floorf(x), r = x - base;
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
DSNK_ANYWHERE void findNeighbours(const GridSampleParams& p, const float* grid, Neighbour* out) {
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

}  // namespace dsnk
