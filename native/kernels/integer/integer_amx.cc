// product.inl for AMX: sums in tiles, everything around them in AVX-512.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/narrow/amx.h"
#include "simd/avx512vnni-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/integer/bytes-avx512.inl"
#include "kernels/integer/quads.inl"
//
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/tiles.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/integer/product.inl"
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault gemm_i8_amx(const Work& w) {
  return avx512vnni::integerGemm<avx512vnni::Quads, avx512vnni::TileProduct<avx512vnni::Quads, AmxTiles>>(
      w, {32, 64, Isa::amx});
}
Fault conv_i8_amx(const Work& w) {
  return avx512vnni::integerConv<avx512vnni::Quads, avx512vnni::TileProduct<avx512vnni::Quads, AmxTiles>>(
      w, {32, 64, Isa::amx});
}
}  // namespace dsnk
#endif
