// product.inl, floats.inl and rows.inl for AVX2.
#if defined(__x86_64__)
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/avx2-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#include "kernels/lowbit/dot-avx2.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
//
#include "kernels/lowbit/floats.inl"
//
#include "kernels/lowbit/rows.inl"
static_assert(kLowBitNr == 16, "kernels.inc says nr 16");
#include "simd/avx2-end.h"

namespace dsnk {
Fault lowbit_gemm_avx2(const Work& w) { return avx2::lowBitGemm(w); }
Fault lowbit_gemm_floats_avx2(const Work& w) { return avx2::lowBitGemmFloats(w); }
Fault lowbit_quantize_avx2(const Work& w) { return avx2::lowBitQuantize(w); }
}  // namespace dsnk
#endif
