// resize_f32 for one lane: see resize_f32.inl.
#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"
#include "simd/scalar-begin.h"

static const float kOne[1] = {1.0f};

DSNK_INLINE F32 gather(const float* p, I32 at) { return {p[at.v]}; }
#include "kernels/resize/resize_f32.inl"

#include "simd/scalar-end.h"

namespace dsnk {
Fault resize_f32_scalar(const Work& w) { return scalar::resizeF32(w); }
}  // namespace dsnk
