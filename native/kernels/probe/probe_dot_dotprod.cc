// probe_dot.inl for NEON with SDOT.
#if defined(__aarch64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/dotprod-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32 ones) {
  asm volatile("sdot %0.4s, %1.16b, %1.4b[0]" : "+w"(sums.v) : "w"(ones.v));
}
#include "kernels/probe/probe_dot.inl"
#include "simd/dotprod-end.h"

namespace dsnk {
Fault probe_dot_i8_dotprod(const Work& w) { return dotprod::probeDot(w); }
}  // namespace dsnk
#endif
