// gemm.inl for NEON: 8x12, on ARMv7 6x8.
#if defined(__ARM_NEON)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/neon-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/gemm/gemm.inl"
//
#include "kernels/gemm/direct.inl"
static_assert(kNr == kNeonVectors * 4, "kernels.inc says so");
#include "simd/neon-end.h"

namespace dsnk {
Fault gemm_f32_neon(const Work& w) { return neon::gemmRun(w); }
Fault gemm_direct_f32_neon(const Work& w) { return neon::directRun(w); }
}  // namespace dsnk
#endif
