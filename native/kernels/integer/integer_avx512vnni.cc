// product.inl for AVX-512 VNNI: tiles of 14x32 in registers.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/depthwise.h"
#include "kernels/integer/product.h"
#include "kernels/pool/pool.h"
#include "kernels/sparse/shared.h"
#include "kernels/integer/strip.h"
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
#include "kernels/narrow/registers.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/integer/product.inl"
//
#include "kernels/sparse/pick-bytes-avx512.inl"
//
#include "kernels/sparse/conv_bytes.inl"
//
#include "kernels/integer/strip-quads.inl"
#include "kernels/integer/strip.inl"
//
#include "kernels/integer/lanes-avx512.inl"
//
#include "kernels/integer/depthwise.inl"
//
#include "kernels/integer/average.inl"
//
#include "kernels/integer/average-lanes.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault gemm_i8_avx512vnni(const Work& w) {
  return avx512vnni::integerGemm<avx512vnni::Quads, avx512vnni::RegisterProduct>(w, {32, 4, Isa::avx512vnni});
}
Fault conv_i8_avx512vnni(const Work& w) {
  return avx512vnni::integerConv<avx512vnni::Quads, avx512vnni::RegisterProduct>(w, {32, 4, Isa::avx512vnni});
}
Fault conv_rows_i8_avx512vnni(const Work& w) {
  return avx512vnni::integerStrips<avx512vnni::Quads>(w, {32, 4, Isa::avx512vnni});
}
Fault pool_average_i8_avx512vnni(const Work& w) {
  return avx512vnni::integerAverage<avx512vnni::Lanes64, avx512vnni::Lanes64>(w);
}
Fault depthwise_i8_avx512vnni(const Work& w) {
  return avx512vnni::integerDepthwise<avx512vnni::Lanes64, avx512vnni::Lanes32>(w);
}
Fault sparse_conv_i8_avx512vnni(const Work& w) {
  return avx512vnni::sparseConvBytes<avx512vnni::Quads>(w, {32, 4, Isa::avx512vnni});
}
}  // namespace dsnk
#endif
