// How the weights of a depthwise convolution in bytes are packed, for the kernel that packs and those that read.
//
// Blocks of nr channels: bias i32 [nr], multipliers f32 [nr], then groups of kr taps: [group][nr][kr], bytes, or 16-bit
// numbers where kr is 2. Within a block stands, whatever it is, channel 16·l + 4·j + i at j·nr/4 + 4·l + i: interleaving
// the bytes of taps works in 128-bit pieces and leaves the channels in this order, and packing sums to bytes turns it
// over again. Blocks of 16 are in natural order.
#pragma once
#include "kernels/integer/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int64_t placeInBlock(int64_t channel, int64_t nr) {
  return channel / 4 % 4 * (nr / 4) + channel / 16 * 4 + channel % 4;
}

// Which taps stand in a group.
struct DepthwiseGroups {
  DepthwisePattern pattern;
  int64_t kernel[2];
  int64_t kr;

  template <class P>
  DepthwiseGroups(const P& p, int64_t width)
      : pattern(static_cast<DepthwisePattern>(p.pattern)), kernel{p.kernel[0], p.kernel[1]}, kr(width) {}

  bool columns() const { return pattern == DepthwisePattern::columns; }
  int64_t count() const { return columns() ? kernel[1] * ceilDiv(kernel[0], kr) : ceilDiv(kernel[0] * kernel[1], kr); }
  // Place i of a group: a tap, or -1. Columns of the window are taken from top to bottom.
  int64_t tap(int64_t group, int64_t i) const {
    if (!columns()) return group * kr + i < kernel[0] * kernel[1] ? group * kr + i : -1;
    const int64_t each = ceilDiv(kernel[0], kr), row = group % each * kr + i;
    return row < kernel[0] ? row * kernel[1] + group / each : -1;
  }
  int64_t groupBytes(int64_t nr) const { return nr * kr * (kr == 2 ? 2 : 1); }
  int64_t blockBytes(int64_t nr) const { return 8 * nr + count() * groupBytes(nr); }
};

// Bytes of a row of x; 0 where there is none, whose width nothing bounds.
inline int64_t depthwiseRowBytes(const DepthwiseBytesParams& p) {
  return p.batch == 0 || p.inSize[0] == 0 ? 0 : int64_t{p.inSize[1]} * p.channels;
}

// One unit is so many rows of output for a block of channels: rows of x that lie in several windows are still in L1 when
// the next rows of output come.
constexpr int64_t kDepthwiseRows = 8;
inline int64_t depthwiseUnits(const DepthwiseBytesParams& p, int64_t nr) {
  return int64_t{p.batch} * ceilDiv(p.outSize[0], kDepthwiseRows) * ceilDiv(p.channels, nr);
}

}  // namespace dsnk
