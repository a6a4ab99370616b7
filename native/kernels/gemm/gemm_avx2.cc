// gemm.inl for AVX2: 6x16.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/avx2-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/gemm/gemm.inl"
//
#include "kernels/gemm/direct.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avx2-end.h"

namespace dsnk {
Fault gemm_f32_avx2(const Work& w) { return avx2::gemmRun(w); }
Fault gemm_direct_f32_avx2(const Work& w) { return avx2::directRun(w); }
}  // namespace dsnk
#endif
