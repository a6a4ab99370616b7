// attention.inl and cached.inl for AVX2: strips of two 6x16 tiles.
#if defined(__x86_64__)
#include "kernels/attention/attention.h"
#include "kernels/attention/cached.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/avx2-begin.h"
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
#include "simd/avx2-end.h"

namespace dsnk {
Fault attention_f32_avx2(const Work& w) { return avx2::attentionRun(w); }
Fault attention_cached_f32_avx2(const Work& w) { return avx2::cachedRun<avx2::StoredFloat>(w); }
Fault attention_cached_f16_avx2(const Work& w) { return avx2::cachedRun<avx2::StoredHalf>(w); }
Fault attention_cached_bf16_avx2(const Work& w) { return avx2::cachedRun<avx2::StoredBfloat>(w); }
Fault attention_cached_i8_avx2(const Work& w) { return avx2::cachedRun<avx2::StoredByte>(w); }
Fault attention_merge_f32_avx2(const Work& w) { return avx2::mergeRun(w); }
}  // namespace dsnk
#endif
