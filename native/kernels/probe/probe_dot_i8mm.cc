// probe_dot.inl for NEON with USMMLA.
#if defined(__aarch64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/i8mm-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32 ones) {
  asm volatile("usmmla %0.4s, %1.16b, %1.16b" : "+w"(sums.v) : "w"(ones.v));
}
#include "kernels/probe/probe_dot.inl"
#include "simd/i8mm-end.h"

namespace dsnk {
Fault probe_dot_i8_i8mm(const Work& w) { return i8mm::probeDot(w); }
}  // namespace dsnk
#endif
