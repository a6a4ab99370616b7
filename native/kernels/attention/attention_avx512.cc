// attention.inl and cached.inl for AVX-512: strips of 14x32 tiles.
#if defined(__x86_64__)
#include "kernels/attention/attention.h"
#include "kernels/attention/cached.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/avx512-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/attention/attention.inl"
#include "kernels/attention/cached-block.inl"
#include "kernels/attention/cached-loops.inl"
#include "kernels/attention/cached.inl"
//
#include "kernels/attention/cached-panels.inl"
#include "simd/avx512-end.h"

namespace dsnk {
Fault attention_f32_avx512(const Work& w) { return avx512::attentionRun(w); }
Fault attention_cached_f32_avx512(const Work& w) { return avx512::cachedRun<avx512::StoredFloat>(w); }
Fault attention_cached_f16_avx512(const Work& w) { return avx512::cachedRun<avx512::StoredHalf>(w); }
Fault attention_cached_bf16_avx512(const Work& w) { return avx512::cachedRun<avx512::StoredBfloat>(w); }
Fault attention_cached_i8_avx512(const Work& w) { return avx512::cachedRun<avx512::StoredByte>(w); }
Fault attention_merge_f32_avx512(const Work& w) { return avx512::mergeRun(w); }
}  // namespace dsnk
#endif
