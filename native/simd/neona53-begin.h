// NEON in the order that suits Cortex-A53 and its kind: two instructions a cycle in order, vector units and a load pipe of
// 64 bits. The instructions are those of neon-begin.h, so no processor must be asked; the compiler orders them for this
// core, and kernels look at DSNK_IN_ORDER. AArch64 only.
#include "simd/vec.h"

#define DSNK_ROW_LOOP "kernels/gemm/lanes-inorder.inl"
#define DSNK_IN_ORDER 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("tune=cortex-a53"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("tune=cortex-a53")
#endif

namespace dsnk::neona53 {
#include "simd/neon.inl"
