// product.inl for NEON with USMMLA: tiles of 8x8 in registers.
#if defined(__aarch64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "simd/i8mm-begin.h"
//
#undef DSNK_ROW_LOOP
#define DSNK_ROW_LOOP "kernels/integer/eights-i8mm.inl"
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
#include "kernels/integer/product.inl"
static_assert(kNr == 8, "kernels.inc says nr 8");
#include "simd/i8mm-end.h"
#undef DSNK_ROW_LOOP

namespace dsnk {
constexpr IntegerRow kRow{8, 8, Isa::i8mm};
Fault gemm_i8_i8mm(const Work& w) { return i8mm::integerGemm<i8mm::Unsigned, i8mm::RegisterProduct>(w, kRow); }
Fault conv_i8_i8mm(const Work& w) { return i8mm::integerConv<i8mm::Unsigned, i8mm::RegisterProduct>(w, kRow); }
}  // namespace dsnk
#endif
