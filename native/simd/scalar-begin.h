// One lane, plain C++: the definition that every other ISA is tested against.
#include "simd/vec.h"

#define DSNK_SCALAR_REGION  // math.inl takes <cmath> here

namespace dsnk::scalar {
#include "simd/scalar.inl"
