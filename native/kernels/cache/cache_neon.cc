// append.inl and rope.inl for NEON.
#if defined(__ARM_NEON)
#include "kernels/cache/cache.h"
#include "simd/neon-begin.h"
//
#include "kernels/cache/append.inl"
#include "kernels/cache/rope.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault cache_append_f32_neon(const Work& w) { return neon::appendRun<neon::KeepFloat>(w); }
Fault cache_append_f16_neon(const Work& w) { return neon::appendRun<neon::KeepHalf>(w); }
Fault cache_append_bf16_neon(const Work& w) { return neon::appendRun<neon::KeepBfloat>(w); }
Fault cache_append_i8_neon(const Work& w) { return neon::appendRun<neon::KeepByte>(w); }
Fault rope_f32_neon(const Work& w) { return neon::ropeRun(w); }
}  // namespace dsnk
#endif
