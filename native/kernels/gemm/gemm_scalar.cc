// gemm.inl in plain C++: the definition.
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/scalar-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/gemm/gemm.inl"
//
#include "kernels/gemm/direct.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/scalar-end.h"

namespace dsnk {
Fault gemm_f32_scalar(const Work& w) { return scalar::gemmRun(w); }
Fault gemm_direct_f32_scalar(const Work& w) { return scalar::directRun(w); }
}  // namespace dsnk
