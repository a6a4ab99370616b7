// gemm.inl for AVX-VNNI.
#if defined(__x86_64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/avxvnni-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/sparse/picks-avx2.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/integer/bytes-avx2.inl"
#define DSNK_VEX_DOT
#include "kernels/integer/quads.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-dot.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avxvnni-end.h"

namespace dsnk {
Fault sparse_gemm_i8_avxvnni(const Work& w) { return avxvnni::sparseGemmBytes(w); }
}  // namespace dsnk
#endif
