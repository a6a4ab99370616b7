// Computes  y[n,m,i,j] = bias[m] + Σ(c,kh,kw) w[m,c,kh,kw] · mask[n,g,kh,kw,i,j] · sample(x[n,c], place +
//           offset[n,g,kh,kw,:,i,j])
// Shapes    y: f32 [batches, outC, outH, outW]; x: f32 [batches, channels, height, width]; w: f32 [outC,
//           channels/groups, kH, kW] offset: f32 [batches, offsetGroups·kH·kW·2, outH, outW]; mask: f32 [batches,
//           offsetGroups·kH·kW, outH, outW]
// Numerics  float32, bilinear samples with zeroes outside, terms in the order of w
// Tiling    one output position a unit: its samples [channels, kH, kW] are gathered once into scratch
// Packing   none
// Source    the ONNX operator definition; X. Zhu et al., "Deformable ConvNets v2"
#include <cmath>
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<DeformConvParams>();
  constexpr int64_t kMost = 1 << 24;
  for (const int64_t v : {p.height, p.width, p.kernelH, p.kernelW, p.groups, p.offsetGroups, p.channels, p.outC,
                          p.strides[0], p.strides[1], p.dilations[0], p.dilations[1]}) {
    if (v < 1 || v > kMost) return "lengths, strides, dilations and groups must be in [1, 2^24]";
  }
  for (const int64_t v : {p.outH, p.outW, p.pads[0], p.pads[1]}) {
    if (v < 0 || v > kMost) return "output lengths and pads must be in [0, 2^24]";
  }
  if (p.channels % p.groups != 0 || p.outC % p.groups != 0) return "groups must divide the channels";
  if (p.channels % p.offsetGroups != 0) return "offsetGroups must divide the channels";
  const Size positions = Size(p.batches) * Size(p.outH) * Size(p.outW), places = Size(p.kernelH) * Size(p.kernelW);
  if (!(positions * Size(p.outC) * 4).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.batches) * Size(p.channels) * Size(p.height) * Size(p.width) * 4).fits(c.operandBytes[1])) {
    return "input must hold its shape";
  }
  if (!(Size(p.outC) * Size(p.channels / p.groups) * places * 4).fits(c.operandBytes[2]))
    return "weight must hold its shape";
  if (!(positions * Size(p.offsetGroups) * places * 8).fits(c.operandBytes[3])) return "offset must hold its shape";
  if (c.has(4) && !(Size(p.outC) * 4).fits(c.operandBytes[4])) return "bias must hold one number per output channel";
  if (c.has(5) && !(positions * Size(p.offsetGroups) * places * 4).fits(c.operandBytes[5]))
    return "mask must hold its shape";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const DeformConvParams*>(params);
  return tilesFor(p.batches * p.outH * p.outW, p.channels * p.kernelH * p.kernelW * 16, threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const DeformConvParams*>(params);
  const Size bytes = Size(p.channels) * Size(p.kernelH) * Size(p.kernelW) * 4;
  return bytes.bad() ? UINT64_MAX / 2 : bytes.value();
}

extern const Contract deform_conv_contract{"deform_conv", "wrrroo", 0,     sizeof(DeformConvParams),
                                           false,         verify,   tiles, scratchBytes};

static float sample(const float* x, int64_t height, int64_t width, float h, float w) {
  if (!(h > -1) || !(w > -1) || !(h < static_cast<float>(height)) || !(w < static_cast<float>(width))) return 0;
  const float floorH = std::floor(h), floorW = std::floor(w), dh = h - floorH, dw = w - floorW;
  const auto h0 = static_cast<int64_t>(floorH), w0 = static_cast<int64_t>(floorW);
  auto at = [&](int64_t i, int64_t j) { return i < 0 || j < 0 || i >= height || j >= width ? 0.0f : x[i * width + j]; };
  return (1 - dh) * ((1 - dw) * at(h0, w0) + dw * at(h0, w0 + 1)) +
         dh * ((1 - dw) * at(h0 + 1, w0) + dw * at(h0 + 1, w0 + 1));
}

Fault deform_conv_f32_scalar(const Work& work) {
  const auto& p = work.as<DeformConvParams>();
  const int64_t out = p.outH * p.outW, places = p.kernelH * p.kernelW, depth = p.channels / p.groups * places;
  const float* const bias = work.at<const float>(4);
  const float* const mask = work.at<const float>(5);
  float* const column = reinterpret_cast<float*>(work.scratch);
  const Range units = tileRange(p.batches * out, work.tile, work.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t n = u / out, at = u % out, i = at / p.outW, j = at % p.outW;
    for (int64_t c = 0; c < p.channels; c++) {
      const float* const x = work.at<const float>(1) + (n * p.channels + c) * p.height * p.width;
      const int64_t group = n * p.offsetGroups + c / (p.channels / p.offsetGroups);
      for (int64_t k = 0; k < places; k++) {
        const float* const offset = work.at<const float>(3) + (group * places + k) * 2 * out + at;
        const auto h = static_cast<float>(i * p.strides[0] - p.pads[0] + k / p.kernelW * p.dilations[0]) + offset[0];
        const auto w = static_cast<float>(j * p.strides[1] - p.pads[1] + k % p.kernelW * p.dilations[1]) + offset[out];
        const float scale = mask ? mask[(group * places + k) * out + at] : 1.0f;
        column[c * places + k] = scale * sample(x, p.height, p.width, h, w);
      }
    }
    for (int64_t m = 0; m < p.outC; m++) {
      const float* const w = work.at<const float>(2) + m * depth;
      const float* const v = column + m / (p.outC / p.groups) * depth;
      float sum = bias ? bias[m] : 0.0f;
      for (int64_t k = 0; k < depth; k++) sum += w[k] * v[k];
      work.at<float>(0)[(n * p.outC + m) * out + at] = sum;
    }
  }
  return Fault::none;
}

}  // namespace dsnk
