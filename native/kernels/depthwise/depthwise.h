// How a depthwise convolution is cut: one unit is two output rows of one image for a range of channels.
#pragma once
#include "kernels/depthwise/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Channels of one unit: 1 KB of each pixel, so that a unit's rows lie in L1 or L2 and small images of many channels
// still give every thread work.
constexpr int64_t kDepthwiseChannels = 256;

// Up to so many pixels the rows run fastest through the units, beyond that the channels: a 1x1 convolution of few
// pixels is cut by its output channels (conv/plan.h), and each thread then finds in its own L2 what it wrote there. 960
// channels of 7x7 on two threads: 19 µs, before 38 µs.
constexpr int64_t kDepthwiseFewPixels = 96;

inline int64_t depthwiseUnits(const DepthwiseParams& p) {
  return int64_t{p.batch} * ceilDiv(p.outSize[0], 2) * ceilDiv(p.channels, kDepthwiseChannels);
}

// The taps of one axis that lie inside the input: [begin, end).
inline Range tapsInside(int64_t start, int64_t dilation, int64_t kernel, int64_t size) {
  int64_t begin = start < 0 ? ceilDiv(-start, dilation) : 0;
  int64_t end = start >= size ? 0 : (size - 1 - start) / dilation + 1;
  if (end > kernel) end = kernel;
  if (begin > end) begin = end;
  return {begin, end};
}

}  // namespace dsnk
