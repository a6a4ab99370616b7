// gemm.inl in plain C++: the definition.
#include <cstring>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/integer/bytes.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/gemm.h"
#include "simd/scalar-begin.h"
//
#include "kernels/gemm/micro.inl"
//
#include "kernels/epilogue/activation.inl"
//
#include "kernels/gemm/epilogue.inl"
//
#include "kernels/sparse/picks-scalar.inl"
//
#include "kernels/sparse/gemm.inl"
//
#include "kernels/sparse/floats.inl"
//
#include "kernels/integer/bytes-scalar.inl"
//
#include "kernels/integer/ending.inl"
//
#include "kernels/sparse/bytes-dot.inl"
//
#include "kernels/sparse/bytes.inl"
static_assert(kNr == 4, "kernels.inc says nr 4");
#include "simd/scalar-end.h"

namespace dsnk {
Fault sparse_gemm_f32_scalar(const Work& w) { return scalar::sparseGemm(w); }
Fault sparse_gemm_i8_scalar(const Work& w) { return scalar::sparseGemmBytes(w); }
}  // namespace dsnk
