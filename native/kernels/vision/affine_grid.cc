// Computes  y[n,d,h,w,:] = theta[n] · (w', h', d', 1), coordinates in parts of the image from -1 to 1
// Shapes    y: T [batches, D, H, W, rank]; theta: T [batches, rank, rank+1]; rank 2 has no D and no d'
// Numerics  in T, terms in order
// Tiling    one row of W a unit
// Packing   none
// Source    the ONNX operator definition
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<AffineGridParams>();
  const int64_t element = k.dtypes[1] == '6' ? 8 : 4;
  if (p.rank != 2 && p.rank != 3) return "rank must be 2 or 3";
  if (p.alignCorners != 0 && p.alignCorners != 1) return "alignCorners must be 0 or 1";
  if (p.rank == 2 && p.dims[0] != 1) return "a grid of rank 2 must have depth 1";
  const Size positions = Size(p.batches) * Size(p.dims[0]) * Size(p.dims[1]) * Size(p.dims[2]);
  if (!(positions * Size(p.rank) * element).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.batches) * Size(p.rank * (p.rank + 1)) * element).fits(c.operandBytes[1]))
    return "theta must hold its shape";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const AffineGridParams*>(params);
  if (p.dims[2] == 0 || p.dims[1] == 0 || p.dims[0] == 0) return 0;
  return tilesFor(p.batches * p.dims[0] * p.dims[1], p.dims[2] * 8, threads);
}

extern const Contract affine_grid_contract{"affine_grid", "wr",   0,     sizeof(AffineGridParams),
                                           false,         verify, tiles, nullptr};

template <class T>
static T part(int64_t i, int64_t length, bool corners) {
  if (corners)
    return length > 1 ? static_cast<T>(-1) + static_cast<T>(2) * static_cast<T>(i) / static_cast<T>(length - 1) : T{-1};
  return (static_cast<T>(2) * static_cast<T>(i) + 1) / static_cast<T>(length) - 1;
}

template <class T>
static Fault affineGrid(const Work& work) {
  const auto& p = work.as<AffineGridParams>();
  const bool corners = p.alignCorners != 0;
  const int64_t depth = p.dims[0], height = p.dims[1], width = p.dims[2];
  const Range rows = tileRange(p.batches * depth * height, work.tile, work.tiles);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const T* const theta = work.at<const T>(1) + r / (depth * height) * p.rank * (p.rank + 1);
    const T h = part<T>(r % height, height, corners), d = part<T>(r / height % depth, depth, corners);
    T* y = work.at<T>(0) + r * width * p.rank;
    for (int64_t i = 0; i < width; i++) {
      const T w = part<T>(i, width, corners);
      for (int32_t k = 0; k < p.rank; k++) {
        const T* const m = theta + k * (p.rank + 1);
        *y++ = p.rank == 2 ? m[0] * w + m[1] * h + m[2] : m[0] * w + m[1] * h + m[2] * d + m[3];
      }
    }
  }
  return Fault::none;
}

Fault affine_grid_f32_scalar(const Work& w) { return affineGrid<float>(w); }
Fault affine_grid_f64_scalar(const Work& w) { return affineGrid<double>(w); }

}  // namespace dsnk
