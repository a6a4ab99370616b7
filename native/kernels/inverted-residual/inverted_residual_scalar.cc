#include "kernels/conv/plan.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/scalar-begin.h"
constexpr int kVectors = 4;  // of a panel: nr / kr in kernels.inc
#include "kernels/inverted-residual/inverted_residual.inl"
#include "simd/scalar-end.h"

namespace dsnk {

Fault inverted_residual_f32_scalar(const Work& w) { return scalar::runInvertedResidual(w); }

}  // namespace dsnk
