#if defined(__aarch64__)
#include <utility>

#include "kernels/conv/plan.h"
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"

#include "simd/neona53-begin.h"
constexpr int kVectors = kNeonVectors;  // of a panel: nr / kr in kernels.inc
#include "kernels/conv/conv.inl"
#include "kernels/conv/scale.inl"
#include "kernels/conv/winograd.inl"
#include "simd/neona53-end.h"

namespace dsnk {

Fault conv_f32_neona53(const Work& w) { return neona53::runConv(w, indirectConv); }
Fault conv_scale_f32_neona53(const Work& w) { return neona53::runConvScale(w); }
Fault conv_winograd_f32_neona53(const Work& w) { return neona53::runWinograd<4>(w); }
Fault conv_winograd2_f32_neona53(const Work& w) { return neona53::runWinograd<2>(w); }
Fault conv_transpose_f32_neona53(const Work& w) { return neona53::runConv(w, indirectConvTranspose); }

}  // namespace dsnk
#endif
