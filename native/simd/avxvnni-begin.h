// AVX-VNNI beside AVX2: quads of bytes multiplied and added to integers, in 256 bits. Alder Lake (2021), Zen 5 (2024)
// and later. The vector types are those of AVX2.
#include "simd/vec.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,avxvnni,fma,f16c,bmi,bmi2,prfchw"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,avxvnni,fma,f16c,bmi,bmi2,prfchw")
#endif

namespace dsnk::avxvnni {
#include "simd/avx2.inl"
