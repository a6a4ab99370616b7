// product.inl for AVX2: exact, over bytes widened to 16 bits; tiles of 6x16 in registers.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/depthwise.h"
#include "kernels/integer/product.h"
#include "kernels/pool/pool.h"
#include "kernels/sparse/shared.h"
#include "simd/avx2-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/integer/bytes-avx2.inl"
#include "kernels/integer/widened-avx2.inl"
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
#include "kernels/integer/lanes-avx2.inl"
//
#include "kernels/integer/depthwise.inl"
//
#include "kernels/integer/average.inl"
//
#include "kernels/integer/average-lanes.inl"
static_assert(kNr == 16, "kernels.inc says nr 16");
#include "simd/avx2-end.h"

namespace dsnk {
Fault gemm_i8_avx2(const Work& w) {
  return avx2::integerGemm<avx2::Widened, avx2::RegisterProduct>(w, {16, 2, Isa::avx2});
}
Fault conv_i8_avx2(const Work& w) {
  return avx2::integerConv<avx2::Widened, avx2::RegisterProduct>(w, {16, 2, Isa::avx2});
}
Fault pool_average_i8_avx2(const Work& w) { return avx2::integerAverage<avx2::Lanes, avx2::Lanes>(w); }
Fault depthwise_i8_avx2(const Work& w) { return avx2::integerDepthwise<avx2::Lanes, avx2::Lanes>(w); }
Fault sparse_conv_i8_avx2(const Work& w) { return avx2::sparseConvBytes<avx2::Widened>(w, {16, 2, Isa::avx2}); }
}  // namespace dsnk
#endif
