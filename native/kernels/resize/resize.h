// What the rows of `resize` share.
#pragma once
#include <cstdint>

#include "kernels/resize/params.gen.h"

namespace dsnk {

// Channels combined at a time: the row of column sums [inW, chunk] should stay in half of a 48 KB L1, but shorter runs
// than 64 channels waste vectors at their ends.
inline int64_t resizeChunk(const ResizeParams& p) {
  const int64_t fit = 6144 / p.inW / 16 * 16;
  const int64_t chunk = fit < 64 ? 64 : fit;
  return chunk < p.inner ? chunk : p.inner;
}

// False where the table points outside the axis. A start of -1 stands for "outside the image" where that is allowed.
inline bool startsInside(const int32_t* start, int64_t from, int64_t to, int64_t last, bool extrapolate) {
  bool inside = true;
  for (int64_t i = from; i < to; i++) inside &= (start[i] >= 0 && start[i] <= last) || (extrapolate && start[i] == -1);
  return inside;
}

}  // namespace dsnk
