// product.inl for NEON with SDOT: tiles of 8x12 in registers.
#if defined(__aarch64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/integer/strip.h"
#include "simd/dotprod-begin.h"
//
#undef DSNK_ROW_LOOP
#define DSNK_ROW_LOOP "kernels/integer/lanes-dot.inl"
#include "kernels/gemm/micro.inl"
//
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
#include "kernels/integer/product.inl"
//
#include "kernels/integer/strip-lanes.inl"
#include "kernels/integer/strip.inl"
static_assert(kNr == 12, "kernels.inc says nr 12");
#include "simd/dotprod-end.h"
#undef DSNK_ROW_LOOP

namespace dsnk {
constexpr IntegerRow kRow{12, 4, Isa::dotprod};
Fault gemm_i8_dotprod(const Work& w) {
  return dotprod::integerGemm<dotprod::Signed, dotprod::RegisterProduct>(w, kRow);
}
Fault conv_i8_dotprod(const Work& w) {
  return dotprod::integerConv<dotprod::Signed, dotprod::RegisterProduct>(w, kRow);
}
Fault conv_rows_i8_dotprod(const Work& w) { return dotprod::integerStrips<dotprod::Signed>(w, kRow); }
}  // namespace dsnk
#endif
