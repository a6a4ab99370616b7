// AVX-512 VNNI beside F, BW, DQ, VL: quads of bytes multiplied and added to integers. Cascade Lake (2019), Zen 4 (2022)
// and later. The vector types are those of AVX-512.
#include "simd/vec.h"

#if !defined(__clang__)
// GCC 12's own _mm512_undefined_ps trips this wherever it is inlined (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(                                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2")
#endif

namespace dsnk::avx512vnni {
#include "simd/avx512.inl"
