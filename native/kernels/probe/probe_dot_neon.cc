// probe_dot.inl for NEON: products of 16 bits, added by pairs.
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/neon-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32& ones) {
  asm volatile("" : "+w"(ones.v));
  const int8x16_t a = vreinterpretq_s8_s32(ones.v);
  int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(a)), high = vmull_s8(vget_high_s8(a), vget_high_s8(a));
  asm volatile("" : "+w"(low), "+w"(high));
  sums.v = vpadalq_s16(vpadalq_s16(sums.v, low), high);
  asm volatile("" : "+w"(sums.v));
}
#include "kernels/probe/probe_dot.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault probe_dot_i8_neon(const Work& w) { return neon::probeDot(w); }
}  // namespace dsnk
#endif
