// floats.inl and rows.inl for AVX-512.
#if defined(__x86_64__)
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/avx512-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#include "kernels/lowbit/dot-avx512.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/floats.inl"
//
#include "kernels/lowbit/rows.inl"
static_assert(kLowBitNr == 32, "kernels.inc says nr 32");
#include "simd/avx512-end.h"

namespace dsnk {
Fault lowbit_gemm_floats_avx512(const Work& w) { return avx512::lowBitGemmFloats(w); }
Fault lowbit_quantize_avx512(const Work& w) { return avx512::lowBitQuantize(w); }
}  // namespace dsnk
#endif
