// gemm.inl for cores of the Cortex-A53 kind: 6x12.
#if defined(__aarch64__)
#include <utility>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/neona53-begin.h"
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
#include "simd/neona53-end.h"

namespace dsnk {
Fault gemm_f32_neona53(const Work& w) { return neona53::gemmRun(w); }
Fault gemm_direct_f32_neona53(const Work& w) { return neona53::directRun(w); }
}  // namespace dsnk
#endif
