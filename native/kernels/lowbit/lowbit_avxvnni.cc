// product.inl for AVX-VNNI, the VEX form of VPDPBUSD.
#if defined(__x86_64__)
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/avxvnni-begin.h"
//
#include "kernels/lowbit/dot-avxvnni.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
static_assert(kLowBitNr == 16, "kernels.inc says nr 16");
#include "simd/avxvnni-end.h"

namespace dsnk {
Fault lowbit_gemm_avxvnni(const Work& w) { return avxvnni::lowBitGemm(w); }
}  // namespace dsnk
#endif
