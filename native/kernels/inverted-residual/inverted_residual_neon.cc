#if defined(__ARM_NEON)
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/neon-begin.h"
#define DSNK_PANEL_VECTORS 2
#include "kernels/inverted-residual/inverted_residual.inl"
static_assert(kNr == 8, "kernels.inc says nr 8");
#undef DSNK_PANEL_VECTORS
#include "simd/neon-end.h"

namespace dsnk {

Fault inverted_residual_f32_neon(const Work& w) { return neon::runInvertedResidual(w); }

}  // namespace dsnk
#endif
