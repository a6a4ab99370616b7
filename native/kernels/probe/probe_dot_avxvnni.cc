// probe_dot.inl for AVX-VNNI.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avxvnni-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32 ones) {
  asm volatile("%{vex%} vpdpbusd %1, %1, %0" : "+x"(sums.v) : "x"(ones.v));
}
#include "kernels/probe/probe_dot.inl"
#include "simd/avxvnni-end.h"

namespace dsnk {
Fault probe_dot_i8_avxvnni(const Work& w) { return avxvnni::probeDot(w); }
}  // namespace dsnk
#endif
