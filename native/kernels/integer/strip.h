// How a convolution in bytes whose windows are read from copied rows is cut (strip.inl).
#pragma once
#include "kernels/integer/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Rows of output that share copied rows of x, and the least width of such a row: the widest tile.
constexpr int64_t kStripRows = 8, kStripWidth = 14;
// Pixels of padding in one of them.
constexpr int64_t kStripPadding = 64;

struct ConvStrip {
  int64_t quads;   // of a row of taps
  int64_t pixels;  // that the windows of a row of output see
  int64_t rowBytes, rows;
  template <class P>
  explicit ConvStrip(const P& p) {
    quads = ceilDiv(int64_t{p.kernel[2]} * p.channels, 4);
    pixels = int64_t{p.outSize[2] - 1} * p.strides[2] + p.kernel[2];
    // The quads of the last window end behind it; cache lines apart.
    rowBytes = roundUp(pixels * p.channels + 4, 64);
    rows = (kStripRows - 1) * p.strides[1] + p.kernel[1];
  }
};

}  // namespace dsnk
