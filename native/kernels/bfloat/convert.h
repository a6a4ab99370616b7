// float32 to bfloat as these kernels define it: round to nearest even; what is no normal number becomes a zero of its
// sign, as the instructions do it (VCVTNEPS2BF16 takes denormals as zeros).
#pragma once
#include <cmath>

#include "simd/half.h"

namespace dsnk {

inline float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
inline uint16_t flushedBfloat(float x) { return floatToBfloat(flushed(x)); }

}  // namespace dsnk
