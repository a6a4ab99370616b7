// One lane, plain C++: the definition that every other ISA is tested against.
#include "simd/vec.h"

namespace dsnk::scalar {
#include "simd/scalar.inl"
