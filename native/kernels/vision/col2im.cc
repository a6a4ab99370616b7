// Computes  y[p, b·stride + k·dilation - pad] += x[p,k,b] for every block position b and every place k in a block
// Shapes    y: f32 [planes, …image]; x: f32 [planes, …block, …blocks], four axes each (ones in front)
// Numerics  float32, in the order of x
// Tiling    one plane a unit
// Packing   none
// Source    the ONNX operator definition
#include <cstring>
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

static Size product(const int64_t* dims) { return Size(dims[0]) * Size(dims[1]) * Size(dims[2]) * Size(dims[3]); }

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<Col2imParams>();
  for (int32_t d = 0; d < 4; d++) {
    if (p.image[d] < 1 || p.block[d] < 1 || p.blocks[d] < 1) return "lengths must be positive";
    for (const int64_t v : {p.strides[d], p.pads[d], p.dilations[d], p.blocks[d], p.block[d], p.image[d]}) {
      if (v < 0 || v > 1 << 28) return "strides, pads and dilations must be in [0, 2^28]";
    }
  }
  if (!(Size(p.planes) * product(p.image) * 4).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.planes) * product(p.block) * product(p.blocks) * 4).fits(c.operandBytes[1]))
    return "input must hold its shape";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const Col2imParams*>(params);
  return p.planes == 0
             ? 0
             : tilesFor(p.planes, static_cast<int64_t>((product(p.block) * product(p.blocks)).value()), threads);
}

extern const Contract col2im_contract{"col2im", "wr", 0, sizeof(Col2imParams), false, verify, tiles, nullptr};

Fault col2im_f32_scalar(const Work& work) {
  const auto& p = work.as<Col2imParams>();
  const auto image = static_cast<int64_t>(product(p.image).value());
  const auto columns = static_cast<int64_t>((product(p.block) * product(p.blocks)).value());
  const int64_t step[4] = {p.image[1] * p.image[2] * p.image[3], p.image[2] * p.image[3], p.image[3], 1};
  const int64_t last = p.blocks[3];
  const Range planes = tileRange(p.planes, work.tile, work.tiles);
  for (int64_t plane = planes.begin; plane < planes.end; plane++) {
    float* const y = work.at<float>(0) + plane * image;
    const float* x = work.at<const float>(1) + plane * columns;
    std::memset(y, 0, static_cast<size_t>(image) * sizeof(float));
    // Rows of x: all but the last axis of blocks, counted by place and block.
    int64_t k[4] = {0, 0, 0, 0}, b[3] = {0, 0, 0};
    for (int64_t row = 0; row < columns / last; row++, x += last) {
      int64_t base = 0;
      bool inside = true;
      for (int32_t d = 0; d < 3; d++) {
        const int64_t at = b[d] * p.strides[d] + k[d] * p.dilations[d] - p.pads[d];
        inside &= at >= 0 && at < p.image[d];
        if (inside) base += at * step[d];
      }
      for (int64_t i = 0; inside && i < last; i++) {
        const int64_t at = i * p.strides[3] + k[3] * p.dilations[3] - p.pads[3];
        if (at >= 0 && at < p.image[3]) y[base + at] += x[i];
      }
      int32_t d = 2;
      for (; d >= 0 && ++b[d] == p.blocks[d]; d--) b[d] = 0;
      if (d >= 0) continue;
      for (d = 3; d >= 0 && ++k[d] == p.block[d]; d--) k[d] = 0;
    }
  }
  return Fault::none;
}

}  // namespace dsnk
