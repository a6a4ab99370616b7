// append.inl and rope.inl for AVX2, which takes what memory gives: AVX-512 has no rows of its own.
#if defined(__x86_64__)
#include "kernels/cache/cache.h"
#include "simd/avx2-begin.h"
//
#include "kernels/cache/append.inl"
#include "kernels/cache/rope.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault cache_append_f32_avx2(const Work& w) { return avx2::appendRun<avx2::KeepFloat>(w); }
Fault cache_append_f16_avx2(const Work& w) { return avx2::appendRun<avx2::KeepHalf>(w); }
Fault cache_append_bf16_avx2(const Work& w) { return avx2::appendRun<avx2::KeepBfloat>(w); }
Fault cache_append_i8_avx2(const Work& w) { return avx2::appendRun<avx2::KeepByte>(w); }
Fault rope_f32_avx2(const Work& w) { return avx2::ropeRun(w); }
}  // namespace dsnk
#endif
