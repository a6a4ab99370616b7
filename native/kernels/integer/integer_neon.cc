// product.inl, depthwise-neon.inl and average.inl for NEON: tiles of 4x4 in registers, on ARMv7 2x4.
#if defined(__ARM_NEON)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/depthwise.h"
#include "kernels/integer/product.h"
#include "kernels/pool/pool.h"
#include "kernels/integer/strip.h"
#include "simd/neon-begin.h"
//
#undef DSNK_ROW_LOOP
#define DSNK_ROW_LOOP "kernels/integer/sixteens-neon.inl"
#define DSNK_PANEL_VECTORS 1
#define DSNK_TILE_ROWS (kVectorRegisters == 32 ? 4 : 2)
#include "kernels/gemm/micro.inl"
//
#undef DSNK_PANEL_VECTORS
#undef DSNK_TILE_ROWS
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
#include "kernels/integer/strip-sixteens.inl"
#include "kernels/integer/strip.inl"
//
#include "kernels/integer/depthwise-neon.inl"
//
#include "kernels/integer/lanes-neon.inl"
//
#include "kernels/integer/average.inl"
//
#include "kernels/integer/average-lanes.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/neon-end.h"
#undef DSNK_ROW_LOOP

namespace dsnk {
constexpr IntegerRow kRow{4, 16, Isa::neon};
Fault gemm_i8_neon(const Work& w) { return neon::integerGemm<neon::Signed, neon::RegisterProduct>(w, kRow); }
Fault conv_i8_neon(const Work& w) { return neon::integerConv<neon::Signed, neon::RegisterProduct>(w, kRow); }
Fault pool_average_i8_neon(const Work& w) { return neon::integerAverage<neon::ByteSums<2>, neon::ByteSums<1>>(w); }
Fault depthwise_i8_neon(const Work& w) { return neon::integerDepthwise(w); }
Fault conv_rows_i8_neon(const Work& w) { return neon::integerStrips<neon::Signed>(w, kRow); }
}  // namespace dsnk
#endif
