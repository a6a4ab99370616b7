// NEON with products of 2x8 and 8x2 bytes (FEAT_I8MM): Neoverse V1, N2, V3AE (Jetson Thor), Cortex-X2, A710 and later. The
// vector types are those of NEON.
#include "simd/vec.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod+i8mm")
#endif

namespace dsnk::i8mm {
#include "simd/neon.inl"
