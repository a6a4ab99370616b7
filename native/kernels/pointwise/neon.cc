#if defined(__ARM_NEON)
#include "kernels/pointwise/program.h"

#include "simd/neon-begin.h"
#include "kernels/pointwise/walk.inl"
#include "kernels/pointwise/float.inl"
static Fault runFloat(const Work& w) { return Walker<FloatRow>(w).run(); }
#include "simd/neon-end.h"

namespace dsnk {
Fault pointwise_f32_neon(const Work& w) { return neon::runFloat(w); }
Fault pointwise_to_f32_neon(const Work& w) { return neon::runFloat(w); }
}  // namespace dsnk
#endif
