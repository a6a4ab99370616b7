// NEON with products of quads of bytes (ARMv8.2-DotProd): Cortex-A55, A75, A76 (Raspberry Pi 5), A78AE (Orin) and later. The
// vector types are those of NEON.
#include "simd/vec.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

namespace dsnk::dotprod {
#include "simd/neon.inl"
