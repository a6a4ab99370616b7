// AVX-512 F, BW, DQ, VL: 16 lanes. Skylake-SP (2017), Zen 4 (2022) and later.
#include "simd/vec.h"

#if !defined(__clang__)
// GCC 12's own _mm512_undefined_ps trips this wherever it is inlined (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prfchw"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prfchw")
#endif

namespace dsnk::avx512 {
#include "simd/avx512.inl"
