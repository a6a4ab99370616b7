#include "kernels/pool/pool.h"

#include "simd/scalar-begin.h"
#include "kernels/pool/pool.inl"
#include "simd/scalar-end.h"

namespace dsnk {

Fault pool_f32_scalar(const Work& w) { return scalar::runPool(w); }

}  // namespace dsnk
