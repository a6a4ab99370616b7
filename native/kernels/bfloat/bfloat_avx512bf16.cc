// product.inl for AVX-512 BF16: tiles of 14x32 in registers.
#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
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
#include "kernels/narrow/registers.inl"
//
#include "kernels/narrow/floats.inl"
//
#include "kernels/bfloat/product.inl"
static_assert(kNr == 32, "kernels.inc says nr 32");
#include "simd/avx512bf16-end.h"

namespace dsnk {
Fault gemm_bf16_avx512bf16(const Work& w) { return avx512bf16::bfloatGemm<avx512bf16::RegisterProduct>(w, 32, 2); }
Fault conv_bf16_avx512bf16(const Work& w) { return avx512bf16::bfloatConv<avx512bf16::RegisterProduct>(w, 32, 2); }
}  // namespace dsnk
#endif
