// gemm.inl for AVX2.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/avx2-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/epilogue/activation.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/sparse/picks-avx2.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/sparse/floats.inl"
//
#include "kernels/integer/bytes-avx2.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-avx2.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avx2-end.h"

namespace dsnk {
Fault sparse_gemm_f32_avx2(const Work& w) { return avx2::sparseGemm(w); }
Fault sparse_gemm_i8_avx2(const Work& w) { return avx2::sparseGemmBytes(w); }
}  // namespace dsnk
#endif
