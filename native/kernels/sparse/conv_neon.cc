// conv.inl in neon.
#if defined(__ARM_NEON)
#include "kernels/conv/plan.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/sparse/shared.h"

#include "simd/neon-begin.h"
#define DSNK_KEPT
constexpr int kVectors = 2;  // most of a panel
#include "kernels/conv/conv.inl"
//
#include "kernels/sparse/conv.inl"
#undef DSNK_KEPT
#include "simd/neon-end.h"

namespace dsnk {
Fault sparse_conv_f32_neon(const Work& w) { return neon::sparseConv(w, 2); }
}  // namespace dsnk
#endif
