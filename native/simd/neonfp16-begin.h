// NEON with arithmetic on halves (ARMv8.2-FP16): Cortex-A55, A75, A76 (Raspberry Pi 5), A78AE (Orin) and later; not
// Cortex-A53, A57, A72, A73. The vector types of floats are those of NEON.
#include "simd/vec.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("fullfp16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+fp16")
#endif

namespace dsnk::neonfp16 {
#include "simd/neon.inl"
