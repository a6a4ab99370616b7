// conv_bytes.inl for NEON with SDOT: tiles of 8x8, as 12 columns share no mask.
#if defined(__aarch64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/sparse/shared.h"
#include "simd/dotprod-begin.h"
//
#undef DSNK_ROW_LOOP
#define DSNK_ROW_LOOP "kernels/integer/lanes-dot.inl"
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#undef DSNK_PANEL_VECTORS
#include "kernels/integer/bytes-neon.inl"
//
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/registers.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/pick-bytes-neon.inl"
//
#include "kernels/sparse/conv_bytes.inl"
static_assert(kNr == 8, "kernels.inc says nr 8");
#include "simd/dotprod-end.h"
#undef DSNK_ROW_LOOP

namespace dsnk {
Fault sparse_conv_i8_dotprod(const Work& w) {
  return dotprod::sparseConvBytes<dotprod::Signed>(w, {8, 4, Isa::dotprod});
}
}  // namespace dsnk
#endif
