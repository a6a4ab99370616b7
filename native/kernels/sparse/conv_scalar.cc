// conv.inl in scalar.
#include "kernels/conv/plan.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/sparse/shared.h"

#include "simd/scalar-begin.h"
#define DSNK_KEPT
constexpr int kVectors = 4;  // most of a panel
#include "kernels/conv/conv.inl"
//
#include "kernels/sparse/conv.inl"
#undef DSNK_KEPT
#include "simd/scalar-end.h"

namespace dsnk {
Fault sparse_conv_f32_scalar(const Work& w) { return scalar::sparseConv(w, 4); }
}  // namespace dsnk
