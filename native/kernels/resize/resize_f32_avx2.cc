// resize_f32 for avx2: see resize_f32.inl.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"
#include "simd/avx2-begin.h"

static const float kOne[1] = {1.0f};

DSNK_INLINE F32 gather(const float* p, I32 at) { return {_mm256_i32gather_ps(p, at.v, 4)}; }
#include "kernels/resize/resize_f32.inl"

#include "simd/avx2-end.h"

namespace dsnk {
Fault resize_f32_avx2(const Work& w) { return avx2::resizeF32(w); }
}  // namespace dsnk
#endif
