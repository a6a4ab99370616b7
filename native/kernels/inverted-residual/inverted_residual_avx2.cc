#if defined(__x86_64__)
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/avx2-begin.h"
#include "kernels/inverted-residual/inverted_residual.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avx2-end.h"

namespace dsnk {

Fault inverted_residual_f32_avx2(const Work& w) { return avx2::runInvertedResidual(w); }

}  // namespace dsnk
#endif
