#if defined(__x86_64__)
#include "kernels/conv/plan.h"
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"

#include "simd/avx512-begin.h"
constexpr int kVectors = 4;  // of a panel: nr / kr in kernels.inc
#include "kernels/conv/conv.inl"
#include "kernels/conv/scale.inl"
#include "kernels/conv/winograd.inl"
#include "simd/avx512-end.h"

namespace dsnk {

Fault conv_f32_avx512(const Work& w) { return avx512::runConv(w, indirectConv); }
Fault conv_scale_f32_avx512(const Work& w) { return avx512::runConvScale(w); }
Fault conv_winograd_f32_avx512(const Work& w) { return avx512::runWinograd<4>(w); }
Fault conv_winograd2_f32_avx512(const Work& w) { return avx512::runWinograd<2>(w); }
Fault conv_transpose_f32_avx512(const Work& w) { return avx512::runConv(w, indirectConvTranspose); }

}  // namespace dsnk
#endif
