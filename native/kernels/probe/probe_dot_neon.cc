// probe.inl's loop for products of bytes in NEON: twelve chains.
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/neon-begin.h"
//
// As the compiler must take it: it knows that all products are the same.
template <class V>
DSNK_INLINE void opaque(V& x) {
  asm volatile("" : "+w"(x));
}
static Fault probeBytes(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  I32 t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = I32::set(i);
  int8x16_t a = vdupq_n_s8(1);
  for (int64_t n = p.iterations; n > 0; n--) {
    opaque(a);
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) {
      int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(a)), high = vmull_s8(vget_high_s8(a), vget_high_s8(a));
      opaque(low);
      opaque(high);
      t[i].v = vpadalq_s16(vpadalq_s16(t[i].v, low), high);
      opaque(t[i].v);
    }
  }
  I32 s = t[0];
  _Pragma("GCC unroll 32") for (int i = 1; i < chains; i++) s = s + t[i];
  s.store(w.at<int32_t>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
#include "simd/neon-end.h"

namespace dsnk {
Fault probe_dot_i8_neon(const Work& w) { return neon::probeBytes(w); }
}  // namespace dsnk
#endif
