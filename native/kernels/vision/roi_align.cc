// Computes  y[r,c,i,j] = mean (or maximum) of the bilinear samples of x[batch[r],c] over bin (i,j) of region r
// Shapes    y: f32 [rois, channels, outH, outW]; x: f32 [batches, channels, height, width]; rois: f32 [rois, 4] as x1
//           y1 x2 y2 batch: i64 [rois]
// Numerics  float32; the maximum is taken over the four weighted neighbours of every sample, as ONNX has it
// Tiling    one region and channel a unit
// Packing   none
// Source    the ONNX operator definition; K. He et al., "Mask R-CNN", section 3
#include <cmath>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

// Most samples along one side of a bin: models ask for 0 to 4.
static constexpr float kMostSamples = 32;

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<RoiAlignParams>();
  if (p.height < 1 || p.width < 1 || p.height > 1 << 24 || p.width > 1 << 24)
    return "image lengths must be in [1, 2^24]";
  if (p.outH < 0 || p.outW < 0) return "output lengths must not be negative";
  if (p.samplingRatio < 0 || p.samplingRatio > kMostSamples) return "samplingRatio must be in [0, 32]";
  if ((p.max | p.halfPixel) & ~1) return "max and halfPixel must be 0 or 1";
  const Size planes = Size(p.rois) * Size(p.channels);
  if (!(planes * Size(p.outH) * Size(p.outW) * 4).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.batches) * Size(p.channels) * Size(p.height) * Size(p.width) * 4).fits(c.operandBytes[1])) {
    return "input must hold its shape";
  }
  if (!(Size(p.rois) * 16).fits(c.operandBytes[2])) return "rois must hold their shape";
  if (!(Size(p.rois) * 8).fits(c.operandBytes[3])) return "batch must hold one number per region";
  if (planes.bad()) return "shape must have a sound size";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const RoiAlignParams*>(params);
  if (p.outH == 0 || p.outW == 0) return 0;
  return tilesFor(p.rois * p.channels, p.outH * p.outW * 16, threads);
}

extern const Contract roi_align_contract{"roi_align", "wrrr", 0, sizeof(RoiAlignParams), false, verify, tiles, nullptr};

// The same where the region decides: the operator takes one sample a pixel, of a region that may be larger than the
// image. Regions are data; this bounds the work by the size of the image.
static float samplesAlong(int64_t length) {
  const auto most = static_cast<float>(4 * length);
  return most > kMostSamples ? most : static_cast<float>(kMostSamples);
}

// A coordinate's two neighbours; false when it lies outside the image.
struct Between {
  int64_t low, high;
  float toHigh;
};
static bool between(float x, int64_t length, Between& out) {
  if (!(x >= -1.0f) || x > static_cast<float>(length)) return false;
  if (x < 0) x = 0;
  const auto low = static_cast<int64_t>(x);
  if (low >= length - 1)
    out = {length - 1, length - 1, 0};
  else
    out = {low, low + 1, x - static_cast<float>(low)};
  return true;
}

Fault roi_align_f32_scalar(const Work& work) {
  const auto& p = work.as<RoiAlignParams>();
  const Range planes = tileRange(p.rois * p.channels, work.tile, work.tiles);
  for (int64_t u = planes.begin; u < planes.end; u++) {
    const int64_t r = u / p.channels, c = u % p.channels;
    const float* const roi = work.at<const float>(2) + r * 4;
    const int64_t batch = work.at<const int64_t>(3)[r];
    if (batch < 0 || batch >= p.batches) return Fault::indexOutOfRange;
    const float* const x = work.at<const float>(1) + (batch * p.channels + c) * p.height * p.width;
    float* y = work.at<float>(0) + u * p.outH * p.outW;

    const float shift = p.halfPixel ? 0.5f : 0.0f;
    const float x0 = roi[0] * p.spatialScale - shift, y0 = roi[1] * p.spatialScale - shift;
    float width = roi[2] * p.spatialScale - shift - x0, height = roi[3] * p.spatialScale - shift - y0;
    if (!p.halfPixel) {  // older rule: a region is at least one pixel
      width = width > 1 ? width : 1;
      height = height > 1 ? height : 1;
    }
    const float binW = width / static_cast<float>(p.outW), binH = height / static_cast<float>(p.outH);
    const float wantedH = p.samplingRatio > 0 ? static_cast<float>(p.samplingRatio) : std::ceil(binH);
    const float wantedW = p.samplingRatio > 0 ? static_cast<float>(p.samplingRatio) : std::ceil(binW);
    if (!(wantedH <= samplesAlong(p.height)) || !(wantedW <= samplesAlong(p.width))) return Fault::invalidValue;
    const auto countH = static_cast<int32_t>(wantedH > 0 ? wantedH : 0),
               countW = static_cast<int32_t>(wantedW > 0 ? wantedW : 0);
    const float samples = static_cast<float>(countH > 0 && countW > 0 ? int64_t{countH} * countW : 1);

    for (int64_t i = 0; i < p.outH; i++) {
      for (int64_t j = 0; j < p.outW; j++) {
        float sum = 0, most = 0;
        bool any = false;
        for (int32_t a = 0; a < countH; a++) {
          const float atY =
              y0 + static_cast<float>(i) * binH + (static_cast<float>(a) + 0.5f) * binH / static_cast<float>(countH);
          for (int32_t b = 0; b < countW; b++) {
            const float atX =
                x0 + static_cast<float>(j) * binW + (static_cast<float>(b) + 0.5f) * binW / static_cast<float>(countW);
            Between v, h;
            float part[4] = {0, 0, 0, 0};
            if (between(atY, p.height, v) && between(atX, p.width, h)) {
              part[0] = (1 - v.toHigh) * (1 - h.toHigh) * x[v.low * p.width + h.low];
              part[1] = (1 - v.toHigh) * h.toHigh * x[v.low * p.width + h.high];
              part[2] = v.toHigh * (1 - h.toHigh) * x[v.high * p.width + h.low];
              part[3] = v.toHigh * h.toHigh * x[v.high * p.width + h.high];
            }
            for (const float t : part) {
              sum += t;
              most = !any || t > most ? t : most;
              any = true;
            }
          }
        }
        *y++ = p.max ? most : sum / samples;
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
