// The end of a sum that becomes a byte.
#pragma once
#include <cstdint>

namespace dsnk {

// y = clamp(v + zero, low, high), all within [0, 255].
struct ByteRange {
  int zero, low, high;
  ByteRange(int z, int l, int h) : zero(z), low(l), high(h) {}
};

}  // namespace dsnk
