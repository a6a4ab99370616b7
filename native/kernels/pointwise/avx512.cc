#if defined(__x86_64__)
#include "kernels/pointwise/program.h"

#include "simd/avx512-begin.h"
#include "kernels/pointwise/walk.inl"
#include "kernels/pointwise/float.inl"
static Fault runFloat(const Work& w) { return Walker<FloatRow>(w).run(); }
#include "simd/avx512-end.h"

namespace dsnk {
Fault pointwise_f32_avx512(const Work& w) { return avx512::runFloat(w); }
Fault pointwise_to_f32_avx512(const Work& w) { return avx512::runFloat(w); }
}  // namespace dsnk
#endif
