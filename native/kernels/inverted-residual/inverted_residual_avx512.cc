#if defined(__x86_64__)
#include "kernels/conv/plan.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/avx512-begin.h"
constexpr int kVectors = 4;  // of a panel: nr / kr in kernels.inc
#include "kernels/inverted-residual/inverted_residual.inl"
#include "simd/avx512-end.h"

namespace dsnk {

Fault inverted_residual_f32_avx512(const Work& w) { return avx512::runInvertedResidual(w); }

}  // namespace dsnk
#endif
