// product.inl for NEON with arithmetic on halves: tiles of 8x16.
#if defined(__aarch64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/half/product.h"
#include "simd/neonfp16-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/half/vectors-neon.inl"
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/floats.inl"
//
#include "kernels/half/product.inl"
#include "simd/neonfp16-end.h"

namespace dsnk {
Fault gemm_f16_neonfp16(const Work& w) { return neonfp16::halfGemm(w); }
Fault conv_f16_neonfp16(const Work& w) { return neonfp16::halfConv(w); }
}  // namespace dsnk
#endif
