// resize_f32 for avx512: see resize_f32.inl.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"
#include "simd/avx512-begin.h"

static const float kOne[1] = {1.0f};

DSNK_INLINE F32 gather(const float* p, I32 at) {
  return {_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, at.v, p, 4)};
}
#include "kernels/resize/resize_f32.inl"

#include "simd/avx512-end.h"

namespace dsnk {
Fault resize_f32_avx512(const Work& w) { return avx512::resizeF32(w); }
}  // namespace dsnk
#endif
