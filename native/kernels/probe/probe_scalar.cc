// probe.inl in plain C++.
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/scalar-begin.h"
//
#include "kernels/probe/probe.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault probe_fma_f32_scalar(const Work& w) { return scalar::probeFma(w); }
Fault probe_read_f32_scalar(const Work& w) { return scalar::probeRead(w); }
}  // namespace dsnk
