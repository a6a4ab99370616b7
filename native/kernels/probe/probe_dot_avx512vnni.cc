// probe_dot.inl for AVX-512 VNNI.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx512vnni-begin.h"
//
DSNK_INLINE void addProducts(I32& sums, I32 ones) { asm volatile("vpdpbusd %1, %1, %0" : "+v"(sums.v) : "v"(ones.v)); }
#include "kernels/probe/probe_dot.inl"
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault probe_dot_i8_avx512vnni(const Work& w) { return avx512vnni::probeDot(w); }
}  // namespace dsnk
#endif
