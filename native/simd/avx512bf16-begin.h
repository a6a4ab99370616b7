// AVX-512 BF16 and VBMI beside F, BW, DQ, VL: pairs of bfloats multiplied and added to floats, bytes permuted. Zen 4
// (2022), Sapphire Rapids (2023) and later; Cooper Lake (2020) lacks VBMI and counts as avx512vnni. The vector types
// are those of AVX-512.
#include "simd/vec.h"

#if !defined(__clang__)
// GCC 12's own _mm512_undefined_ps trips this wherever it is inlined (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(                                                                                   \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vbmi,avx2,fma,f16c,bmi,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vbmi,avx2,fma,f16c,bmi,bmi2")
#endif

namespace dsnk::avx512bf16 {
#include "simd/avx512.inl"
