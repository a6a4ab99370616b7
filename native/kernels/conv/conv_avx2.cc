#if defined(__x86_64__)
#include "kernels/conv/plan.h"
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"

#include "simd/avx2-begin.h"
constexpr int kVectors = 2;  // of a panel: nr / kr in kernels.inc
#include "kernels/conv/conv.inl"
#include "kernels/conv/scale.inl"
#include "kernels/conv/winograd.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault conv_f32_avx2(const Work& w) { return avx2::runConv(w, indirectConv); }
Fault conv_scale_f32_avx2(const Work& w) { return avx2::runConvScale(w); }
Fault conv_winograd_f32_avx2(const Work& w) { return avx2::runWinograd<4>(w); }
Fault conv_winograd2_f32_avx2(const Work& w) { return avx2::runWinograd<2>(w); }
Fault conv_transpose_f32_avx2(const Work& w) { return avx2::runConv(w, indirectConvTranspose); }

}  // namespace dsnk
#endif
