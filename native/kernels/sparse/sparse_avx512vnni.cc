// gemm.inl for AVX-512 VNNI.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/avx512vnni-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/sparse/picks-avx512.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/integer/bytes-avx512.inl"
#include "kernels/integer/quads.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-dot.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault sparse_gemm_i8_avx512vnni(const Work& w) { return avx512vnni::sparseGemmBytes(w); }
}  // namespace dsnk
#endif
