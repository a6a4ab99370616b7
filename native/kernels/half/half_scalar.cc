// product.inl in plain C++: the definition.
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/half/product.h"
#include "simd/half.h"
#include "kernels/round_odd.h"
#include "simd/scalar-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/half/vectors-scalar.inl"
#include "kernels/narrow/rows.inl"
//
#include "kernels/narrow/product.inl"
//
#include "kernels/narrow/floats.inl"
//
#include "kernels/half/product.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault gemm_f16_scalar(const Work& w) { return scalar::halfGemm(w); }
Fault conv_f16_scalar(const Work& w) { return scalar::halfConv(w); }
}  // namespace dsnk
