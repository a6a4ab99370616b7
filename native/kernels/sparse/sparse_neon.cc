// gemm.inl for NEON on AArch64.
#if defined(__aarch64__)
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/neon-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#undef DSNK_PANEL_VECTORS
#include "kernels/epilogue/activation.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/sparse/picks-neon.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/sparse/floats.inl"
//
#include "kernels/integer/bytes-neon.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-neon.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 8, "kernels.inc says nr 8");
#include "simd/neon-end.h"

namespace dsnk {
Fault sparse_gemm_f32_neon(const Work& w) { return neon::sparseGemm(w); }
Fault sparse_gemm_i8_neon(const Work& w) { return neon::sparseGemmBytes(w); }
}  // namespace dsnk
#endif
