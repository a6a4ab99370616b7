// gemm.inl for AVX-512.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/avx512-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/epilogue/activation.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/sparse/picks-avx512.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/sparse/floats.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512-end.h"

namespace dsnk {
Fault sparse_gemm_f32_avx512(const Work& w) { return avx512::sparseGemm(w); }
}  // namespace dsnk
#endif
