// product.inl for AVX-VNNI, the VEX form of VPDPBUSD: tiles of 6x16 in registers.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/depthwise.h"
#include "kernels/integer/product.h"
#include "kernels/integer/strip.h"
#include "kernels/sparse/shared.h"
#include "simd/avxvnni-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/integer/bytes-avx2.inl"
#define DSNK_VEX_DOT
#include "kernels/integer/quads.inl"
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
#include "kernels/sparse/pick-bytes-avx2.inl"
//
#include "kernels/sparse/conv_bytes.inl"
//
#include "kernels/integer/strip-quads.inl"
#include "kernels/integer/strip.inl"
//
#include "kernels/integer/lanes-avx2.inl"
//
#include "kernels/integer/depthwise.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avxvnni-end.h"

namespace dsnk {
Fault gemm_i8_avxvnni(const Work& w) {
  return avxvnni::integerGemm<avxvnni::Quads, avxvnni::RegisterProduct>(w, {16, 4, Isa::avxvnni});
}
Fault conv_i8_avxvnni(const Work& w) {
  return avxvnni::integerConv<avxvnni::Quads, avxvnni::RegisterProduct>(w, {16, 4, Isa::avxvnni});
}
Fault conv_rows_i8_avxvnni(const Work& w) { return avxvnni::integerStrips<avxvnni::Quads>(w, {16, 4, Isa::avxvnni}); }
Fault depthwise_i8_avxvnni(const Work& w) { return avxvnni::integerDepthwise<avxvnni::Lanes, avxvnni::Lanes>(w); }
Fault sparse_conv_i8_avxvnni(const Work& w) {
  return avxvnni::sparseConvBytes<avxvnni::Quads>(w, {16, 4, Isa::avxvnni});
}
}  // namespace dsnk
#endif
