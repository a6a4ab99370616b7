// product.inl for AVX-512 VNNI.
#if defined(__x86_64__)
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/avx512vnni-begin.h"
//
#include "kernels/lowbit/dot-avx512vnni.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
static_assert(kLowBitNr == 32, "kernels.inc says nr 32");
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault lowbit_gemm_avx512vnni(const Work& w) { return avx512vnni::lowBitGemm(w); }
}  // namespace dsnk
#endif
