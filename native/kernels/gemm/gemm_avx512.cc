// gemm.inl for AVX-512: 14x32.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/avx512-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/gemm/gemm.inl"
//
#include "kernels/gemm/direct.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512-end.h"

namespace dsnk {
Fault gemm_f32_avx512(const Work& w) { return avx512::gemmRun(w); }
Fault gemm_direct_f32_avx512(const Work& w) { return avx512::directRun(w); }
}  // namespace dsnk
#endif
