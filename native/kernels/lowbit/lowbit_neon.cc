// product.inl, floats.inl and rows.inl for NEON.
#if defined(__ARM_NEON)
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/neon-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#include "kernels/lowbit/dot-neon.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
//
#include "kernels/lowbit/floats.inl"
//
#include "kernels/lowbit/rows.inl"
static_assert(kLowBitNr == 8, "kernels.inc says nr 8");
#include "simd/neon-end.h"

namespace dsnk {
Fault lowbit_gemm_neon(const Work& w) { return neon::lowBitGemm(w); }
Fault lowbit_gemm_floats_neon(const Work& w) { return neon::lowBitGemmFloats(w); }
Fault lowbit_quantize_neon(const Work& w) { return neon::lowBitQuantize(w); }
}  // namespace dsnk
#endif
