// probe.inl for AVX2.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx2-begin.h"
//
#include "kernels/probe/probe.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault probe_fma_f32_avx2(const Work& w) { return avx2::probeFma(w); }
Fault probe_read_f32_avx2(const Work& w) { return avx2::probeRead(w); }
}  // namespace dsnk
#endif
