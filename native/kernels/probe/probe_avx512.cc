// probe.inl for AVX-512.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx512-begin.h"
//
#include "kernels/probe/probe.inl"
#include "simd/avx512-end.h"

namespace dsnk {
Fault probe_fma_f32_avx512(const Work& w) { return avx512::probeFma(w); }
Fault probe_read_f32_avx512(const Work& w) { return avx512::probeRead(w); }
}  // namespace dsnk
#endif
