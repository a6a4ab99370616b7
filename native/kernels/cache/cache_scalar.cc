// append.inl and rope.inl for plain C++: the definition.
#include "kernels/cache/cache.h"
#include "simd/scalar-begin.h"
//
#include "kernels/cache/append.inl"
#include "kernels/cache/rope.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault cache_append_f32_scalar(const Work& w) { return scalar::appendRun<scalar::KeepFloat>(w); }
Fault cache_append_f16_scalar(const Work& w) { return scalar::appendRun<scalar::KeepHalf>(w); }
Fault cache_append_bf16_scalar(const Work& w) { return scalar::appendRun<scalar::KeepBfloat>(w); }
Fault cache_append_i8_scalar(const Work& w) { return scalar::appendRun<scalar::KeepByte>(w); }
Fault rope_f32_scalar(const Work& w) { return scalar::ropeRun(w); }
}  // namespace dsnk
