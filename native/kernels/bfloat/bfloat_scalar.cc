// product.inl in plain C++: the definition, and the algorithm of AMX over emulated tiles.
#include "kernels/bfloat/convert.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/narrow/floats.h"
#ifdef DSNK_EMULATED_TILES
#include "kernels/narrow/emulated.h"
#endif
#include "simd/scalar-begin.h"
#define DSNK_TILE_ROWS 1  // small before fast
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/bfloat/pairs-scalar.inl"
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/registers.inl"
#ifdef DSNK_EMULATED_TILES
#include "kernels/narrow/tiles.inl"
#endif
//
#include "kernels/narrow/floats.inl"
//
#include "kernels/bfloat/product.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/scalar-end.h"

namespace dsnk {
Fault gemm_bf16_scalar(const Work& w) { return scalar::bfloatGemm<scalar::RegisterProduct>(w, 4, 2); }
Fault conv_bf16_scalar(const Work& w) { return scalar::bfloatConv<scalar::RegisterProduct>(w, 4, 2); }
#ifdef DSNK_EMULATED_TILES
Fault gemm_bf16_tiles(const Work& w) {
  return scalar::bfloatGemm<scalar::TileProduct<scalar::Bfloats, EmulatedTiles>>(w, 32, 32);
}
Fault conv_bf16_tiles(const Work& w) {
  return scalar::bfloatConv<scalar::TileProduct<scalar::Bfloats, EmulatedTiles>>(w, 32, 32);
}
#endif
}  // namespace dsnk
