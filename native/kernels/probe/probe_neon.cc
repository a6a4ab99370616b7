// probe.inl for NEON.
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/neon-begin.h"
//
#include "kernels/probe/probe.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault probe_fma_f32_neon(const Work& w) { return neon::probeFma(w); }
Fault probe_read_f32_neon(const Work& w) { return neon::probeRead(w); }
}  // namespace dsnk
#endif
