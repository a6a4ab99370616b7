// attention.inl for NEON: strips of two 8x8 tiles, on ARMv7 6x8.
#if defined(__ARM_NEON)
#include "kernels/attention/attention.h"
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
#include "simd/neon-end.h"

namespace dsnk {
Fault attention_f32_neon(const Work& w) { return neon::attentionRun(w); }
}  // namespace dsnk
#endif
