// One lane, plain C++: the definition that every other ISA is tested against.
#include "simd/vec.h"

#define DSNK_SCALAR_REGION  // math.inl takes <cmath> here

#if defined(__arm__) && defined(__clang__)
// clang 19 makes vectors of comparisons, and those of ARMv7 take denormals for zeros.
#pragma clang attribute push(__attribute__((target("no-neon"))), apply_to = function)
#endif

namespace dsnk::scalar {
#include "simd/scalar.inl"
