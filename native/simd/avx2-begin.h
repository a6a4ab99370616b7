// AVX2 + FMA: 8 lanes. Haswell (2013), Zen (2017) and later.
#include "simd/vec.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,prfchw"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,prfchw")
#endif

namespace dsnk::avx2 {
#include "simd/avx2.inl"
