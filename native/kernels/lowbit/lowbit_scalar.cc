// product.inl, floats.inl and rows.inl in plain C++: the definition.
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"
#include "simd/scalar-begin.h"
//
#define DSNK_PANEL_VECTORS 2
#include "kernels/gemm/micro.inl"
//
#include "kernels/lowbit/dot-scalar.inl"
//
#include "kernels/lowbit/codes.inl"
//
#include "kernels/lowbit/product.inl"
//
#include "kernels/lowbit/floats.inl"
//
#include "kernels/lowbit/rows.inl"
static_assert(kLowBitNr == 2, "kernels.inc says nr 2");
#include "simd/scalar-end.h"

namespace dsnk {
Fault lowbit_gemm_scalar(const Work& w) { return scalar::lowBitGemm(w); }
Fault lowbit_gemm_floats_scalar(const Work& w) { return scalar::lowBitGemmFloats(w); }
Fault lowbit_quantize_scalar(const Work& w) { return scalar::lowBitQuantize(w); }
}  // namespace dsnk
