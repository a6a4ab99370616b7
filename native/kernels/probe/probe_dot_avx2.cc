// probe_dot.inl for AVX2: bytes widened to 16 bits, pairs of products.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx2-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32 ones) {
  I32 pairs;
  asm volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sums.v), "=&x"(pairs.v) : "x"(ones.v));
}
#include "kernels/probe/probe_dot.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault probe_dot_i8_avx2(const Work& w) { return avx2::probeDot(w); }
}  // namespace dsnk
#endif
