// conv.inl in avx2.
#if defined(__x86_64__)
#include "kernels/conv/plan.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/sparse/shared.h"

#include "simd/avx2-begin.h"
#define DSNK_KEPT
constexpr int kVectors = 2;  // most of a panel
#include "kernels/conv/conv.inl"
//
#include "kernels/sparse/conv.inl"
#undef DSNK_KEPT
#include "simd/avx2-end.h"

namespace dsnk {
Fault sparse_conv_f32_avx2(const Work& w) { return avx2::sparseConv(w, 2); }
}  // namespace dsnk
#endif
