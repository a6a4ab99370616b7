// product.inl for NEON with SDOT.
#if defined(__aarch64__)
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/dotprod-begin.h"
//
#include "kernels/lowbit/dot-dotprod.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
static_assert(kLowBitNr == 8, "kernels.inc says nr 8");
#include "simd/dotprod-end.h"

namespace dsnk {
Fault lowbit_gemm_dotprod(const Work& w) { return dotprod::lowBitGemm(w); }
}  // namespace dsnk
#endif
