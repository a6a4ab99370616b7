// product.inl in plain C++: the definition, and the algorithm of AMX over emulated tiles.
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/depthwise.h"
#include "kernels/integer/product.h"
#include "kernels/pool/pool.h"
#include "kernels/sparse/shared.h"
#include "kernels/integer/strip.h"
#ifdef DSNK_EMULATED_TILES
#include "kernels/narrow/emulated.h"
#endif
#include "simd/scalar-begin.h"
#define DSNK_TILE_ROWS 1  // small before fast
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/integer/bytes-scalar.inl"
//
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/registers.inl"
#ifdef DSNK_EMULATED_TILES
#include "kernels/narrow/tiles.inl"
#endif
//
#include "kernels/integer/ending.inl"
//
#include "kernels/integer/product.inl"
//
#include "kernels/sparse/pick-bytes-scalar.inl"
//
#include "kernels/sparse/conv_bytes.inl"
//
#include "kernels/integer/strip-quads.inl"
#include "kernels/integer/strip.inl"
//
#include "kernels/integer/depthwise-scalar.inl"
//
#include "kernels/integer/average.inl"
//
#include "kernels/integer/average-scalar.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/scalar-end.h"

namespace dsnk {
Fault gemm_i8_scalar(const Work& w) {
  return scalar::integerGemm<scalar::Quads, scalar::RegisterProduct>(w, {4, 4, Isa::scalar});
}
Fault conv_i8_scalar(const Work& w) {
  return scalar::integerConv<scalar::Quads, scalar::RegisterProduct>(w, {4, 4, Isa::scalar});
}
#ifdef DSNK_EMULATED_TILES
Fault gemm_i8_tiles(const Work& w) {
  return scalar::integerGemm<scalar::Quads, scalar::TileProduct<scalar::Quads, EmulatedTiles>>(w,
                                                                                               {32, 64, Isa::scalar});
}
Fault conv_i8_tiles(const Work& w) {
  return scalar::integerConv<scalar::Quads, scalar::TileProduct<scalar::Quads, EmulatedTiles>>(w,
                                                                                               {32, 64, Isa::scalar});
}
#endif
Fault conv_rows_i8_scalar(const Work& w) { return scalar::integerStrips<scalar::Quads>(w, {4, 4, Isa::scalar}); }
Fault pool_average_i8_scalar(const Work& w) { return scalar::integerAverage(w); }
Fault depthwise_i8_scalar(const Work& w) { return scalar::integerDepthwise(w); }
Fault sparse_conv_i8_scalar(const Work& w) { return scalar::sparseConvBytes<scalar::Quads>(w, {4, 4, Isa::scalar}); }
}  // namespace dsnk
