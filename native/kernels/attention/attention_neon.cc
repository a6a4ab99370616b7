// attention.inl and cached.inl for NEON: strips of two 8x8 tiles, on ARMv7 6x8.
#if defined(__ARM_NEON)
#include "kernels/attention/attention.h"
#include "kernels/attention/cached.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/neon-begin.h"
//
#include "kernels/epilogue/activation.inl"
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
#undef DSNK_PANEL_VECTORS
//
#include "kernels/attention/attention.inl"
#include "kernels/attention/cached-block.inl"
#include "kernels/attention/cached-loops.inl"
#include "kernels/attention/cached.inl"
//
#include "kernels/attention/cached-panels.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault attention_f32_neon(const Work& w) { return neon::attentionRun(w); }
Fault attention_cached_f32_neon(const Work& w) { return neon::cachedRun<neon::StoredFloat>(w); }
Fault attention_cached_f16_neon(const Work& w) { return neon::cachedRun<neon::StoredHalf>(w); }
Fault attention_cached_bf16_neon(const Work& w) { return neon::cachedRun<neon::StoredBfloat>(w); }
Fault attention_cached_i8_neon(const Work& w) { return neon::cachedRun<neon::StoredByte>(w); }
Fault attention_merge_f32_neon(const Work& w) { return neon::mergeRun(w); }
}  // namespace dsnk
#endif
