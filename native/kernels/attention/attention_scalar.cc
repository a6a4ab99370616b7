// attention.inl and cached.inl in plain C++: the definition.
#include "kernels/attention/attention.h"
#include "kernels/attention/cached.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/scalar-begin.h"
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
#include "simd/scalar-end.h"

namespace dsnk {
Fault attention_f32_scalar(const Work& w) { return scalar::attentionRun(w); }
Fault attention_cached_f32_scalar(const Work& w) { return scalar::cachedRun<scalar::StoredFloat>(w); }
Fault attention_cached_f16_scalar(const Work& w) { return scalar::cachedRun<scalar::StoredHalf>(w); }
Fault attention_cached_bf16_scalar(const Work& w) { return scalar::cachedRun<scalar::StoredBfloat>(w); }
Fault attention_cached_i8_scalar(const Work& w) { return scalar::cachedRun<scalar::StoredByte>(w); }
Fault attention_merge_f32_scalar(const Work& w) { return scalar::mergeRun(w); }
}  // namespace dsnk
