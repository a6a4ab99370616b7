// gemm.inl for NEON with SDOT.
#if defined(__aarch64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/dotprod-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#undef DSNK_PANEL_VECTORS
#include "kernels/sparse/picks-neon.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/integer/bytes-neon.inl"
#define DSNK_SPARSE_DOT
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-neon.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 8, "kernels.inc says nr 8");
#include "simd/dotprod-end.h"

namespace dsnk {
Fault sparse_gemm_i8_dotprod(const Work& w) { return dotprod::sparseGemmBytes(w); }
}  // namespace dsnk
#endif
