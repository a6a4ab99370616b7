// How the convolution of an image with few channels is cut: one unit is one row of output pixels.
#pragma once
#include "kernels/conv/plan.h"
#include "kernels/stem/params.gen.h"

namespace dsnk {

// Output pixels of the widest tile, on any ISA.
constexpr int kStemPixels = 14;
// Limits of a window: see STEM_LIMITS in lib/kernels/stem.ts.
constexpr int64_t kStemChannels = 4, kStemRows = 64, kStemRun = 64, kStemStep = 6;
// Elements of one input row that a tile sees.
constexpr int64_t kStemSpan = (kStemPixels - 1) * kStemStep + kStemRun;

// The window as rows of memory: `rows` of them, `run` neighbouring elements of each, in either layout.
struct StemPlan {
  int64_t planes, rows, run, depth;
  int64_t step;       // elements from output pixel to output pixel
  int64_t rowLength;  // elements of an input row
  int64_t pad;        // elements before the first one
  int64_t planeStride, imageStride;
  Panels panels;
  int64_t units;

  StemPlan(const StemParams& p, int lanes, int vectors) : panels(p.outChannels, lanes, vectors) {
    const int64_t each = p.channelsLast ? p.channels : 1;
    planes = p.channelsLast ? 1 : p.channels;
    rows = planes * p.kernel[0];
    run = p.kernel[1] * each;
    depth = rows * run;
    step = p.strides[1] * each;
    rowLength = p.inSize[1] * each;
    pad = p.pads[1] * each;
    planeStride = p.inSize[0] * rowLength;
    imageStride = planes * planeStride;
    units = p.outChannels == 0 || p.outSize[1] == 0 ? 0 : int64_t{p.batch} * p.outSize[0];
  }
};

}  // namespace dsnk
