#if defined(__ARM_NEON)
#include "kernels/conv/plan.h"
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"

#include "simd/neon-begin.h"
constexpr int kVectors = kNeonVectors;  // of a panel: nr / kr in kernels.inc
#include "kernels/conv/conv.inl"
#include "kernels/conv/scale.inl"
#include "kernels/conv/winograd.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault conv_f32_neon(const Work& w) { return neon::runConv(w, indirectConv); }
Fault conv_scale_f32_neon(const Work& w) { return neon::runConvScale(w); }
Fault conv_winograd_f32_neon(const Work& w) { return neon::runWinograd<4>(w); }
Fault conv_winograd2_f32_neon(const Work& w) { return neon::runWinograd<2>(w); }
Fault conv_transpose_f32_neon(const Work& w) { return neon::runConv(w, indirectConvTranspose); }

}  // namespace dsnk
#endif
