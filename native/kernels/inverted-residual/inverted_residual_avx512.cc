#if defined(__x86_64__)
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/avx512-begin.h"
#define DSNK_HALF "simd/avx2.inl"  // vectors of half the lanes
#include "kernels/inverted-residual/inverted_residual.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512-end.h"

namespace dsnk {

Fault inverted_residual_f32_avx512(const Work& w) { return avx512::runInvertedResidual(w); }

}  // namespace dsnk
#endif
