// How a convolution in bytes whose windows are read from copied rows is cut (strip.inl).
#pragma once
#include "kernels/integer/product.h"

namespace dsnk {

// Rows of output that share copied rows of x, and the least width of such a row: the widest tile has no more pixels.
constexpr int64_t kStripRows = 8, kStripWidth = 14;
// Pixels of padding in one of them.
constexpr int64_t kStripPadding = 64;

struct ConvStrip {
  int64_t quads;   // of a row of taps, up to what the row multiplies at a time
  int64_t pixels;  // that the windows of a row of output see
  int64_t rowBytes, rows;
  ConvStrip(const IntegerConvolutionParams& p, int64_t kr) {
    const int64_t group = integerGroup(kr);
    quads = roundUp(int64_t{p.kernel[2]} * p.channels, group) / 4;
    pixels = int64_t{p.outSize[2] - 1} * p.strides[2] + p.kernel[2];
    // The last window is read up to a whole group; cache lines apart.
    rowBytes = roundUp(pixels * p.channels + group, 64);
    rows = (kStripRows - 1) * p.strides[1] + p.kernel[1];
  }
};

// What the tiles of one row of output share.
struct StripTile {
  const uint8_t* x;     // the window of the first pixel
  int64_t pixel, line;  // bytes from window to window and from row to row of it
  int64_t rows, words;  // of a window; quads of a row of taps
  const float* b;
  int64_t columns;
};

}  // namespace dsnk
