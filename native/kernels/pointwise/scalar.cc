#include "kernels/pointwise/program.h"

#include "simd/scalar-begin.h"
#include "kernels/pointwise/walk.inl"
#include "kernels/pointwise/float.inl"
static Fault runFloat(const Work& w) { return Walker<FloatRow>(w).run(); }
#include "simd/scalar-end.h"

namespace dsnk {
Fault pointwise_f32_scalar(const Work& w) { return scalar::runFloat(w); }
Fault pointwise_to_f32_scalar(const Work& w) { return scalar::runFloat(w); }
}  // namespace dsnk
