// resize_f32 for neon: see resize_f32.inl.
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"
#include "simd/neon-begin.h"

static const float kOne[1] = {1.0f};

DSNK_INLINE F32 gather(const float* p, I32 at) {
  float32x4_t v = vdupq_n_f32(p[vgetq_lane_s32(at.v, 0)]);
  v = vld1q_lane_f32(p + vgetq_lane_s32(at.v, 1), v, 1);
  v = vld1q_lane_f32(p + vgetq_lane_s32(at.v, 2), v, 2);
  return {vld1q_lane_f32(p + vgetq_lane_s32(at.v, 3), v, 3)};
}
#include "kernels/resize/resize_f32.inl"

#include "simd/neon-end.h"

namespace dsnk {
Fault resize_f32_neon(const Work& w) { return neon::resizeF32(w); }
}  // namespace dsnk
#endif
