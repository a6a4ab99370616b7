// attention.inl for AVX-512: strips of 14x32 tiles.
#if defined(__x86_64__)
#include "kernels/attention/attention.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/avx512-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/attention/attention.inl"
#include "simd/avx512-end.h"

namespace dsnk {
Fault attention_f32_avx512(const Work& w) { return avx512::attentionRun(w); }
}  // namespace dsnk
#endif
