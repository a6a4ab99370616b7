#include "kernels/conv/plan.h"
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"

#include "simd/scalar-begin.h"
constexpr int kVectors = 4;  // of a panel: nr / kr in kernels.inc
#include "kernels/conv/conv.inl"
#include "kernels/conv/scale.inl"
#include "kernels/conv/winograd.inl"
#include "simd/scalar-end.h"

namespace dsnk {

Fault conv_f32_scalar(const Work& w) { return scalar::runConv(w, indirectConv); }
Fault conv_scale_f32_scalar(const Work& w) { return scalar::runConvScale(w); }
Fault conv_winograd_f32_scalar(const Work& w) { return scalar::runWinograd<4>(w); }
Fault conv_winograd2_f32_scalar(const Work& w) { return scalar::runWinograd<2>(w); }
Fault conv_transpose_f32_scalar(const Work& w) { return scalar::runConv(w, indirectConvTranspose); }

}  // namespace dsnk
