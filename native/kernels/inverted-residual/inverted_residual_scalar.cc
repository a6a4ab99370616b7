#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/inverted-residual/bands.h"
#include "kernels/kernel.h"

#include "simd/scalar-begin.h"
#include "kernels/inverted-residual/inverted_residual.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/scalar-end.h"

namespace dsnk {

Fault inverted_residual_f32_scalar(const Work& w) { return scalar::runInvertedResidual(w); }

}  // namespace dsnk
