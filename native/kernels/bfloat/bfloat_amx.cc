// product.inl for AMX: sums in tiles, everything around them in AVX-512 BF16.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/narrow/amx.h"
#include "kernels/narrow/floats.h"
#include "simd/avx512bf16-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/bfloat/pairs-avx512.inl"
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/tiles.inl"
//
#include "kernels/narrow/floats.inl"
//
#include "kernels/bfloat/product.inl"
#include "simd/avx512bf16-end.h"

namespace dsnk {
Fault gemm_bf16_amx(const Work& w) {
  return avx512bf16::bfloatGemm<avx512bf16::TileProduct<avx512bf16::Bfloats, AmxTiles>>(w, 32, 32);
}
Fault conv_bf16_amx(const Work& w) {
  return avx512bf16::bfloatConv<avx512bf16::TileProduct<avx512bf16::Bfloats, AmxTiles>>(w, 32, 32);
}
}  // namespace dsnk
#endif
