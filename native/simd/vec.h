// How ISA code is written here, and the only way it is written:
//
//   #include <…everything standard…>            // before the region: nothing inline may be compiled inside it twice
//   #include "simd/avx2-begin.h"                // target pragma, namespace dsnk::avx2, types F32 I32 Mask
//   #include "kernels/<family>/<algorithm>.inl" // written once against F32 …, static functions only
//   #include "simd/avx2-end.h"
//
// Inside a region: static functions and templates of our own only. No std:: function template (std::min, std::fill):
// its instantiation could be merged with the baseline's copy and bring AVX instructions where they must not be.
//
// Every ISA offers the same names; `scalar` has one lane and is plain C++.
//   F32::lanes, F32::zero(), F32::set(x), F32::load(p), F32::loadFirst(p, n), x.store(p), x.storeFirst(p, n)
//   fma(a,b,c) = a*b+c   fmaLow(a,b,c): in half of the lanes at least, where that is cheaper   min max abs neg floor
//   ceil trunc roundEven sqrt   + - * / less(a,b) lessEqual equal → Mask;  select(mask, a, b);  isNan(a) toI32
//   (truncate) roundToI32 (nearest even) toF32 bitsOf fromBits, shifts on I32 loadTruth/Half/Bfloat/Byte/SignedByte(p),
//   storeTruth/Half/Bfloat/Byte/SignedByte(a, p): bytes and 16-bit floats, whole vectors   scale2(a, n) = a*2^n sum(a)
//   largest(a) smallest(a): across lanes, in a fixed order
//   kVectorRegisters: how many the ISA has, 16 or 32
// simd/math.inl adds exp, log, tanh, erf … on F32.
// min and max return b when either is NaN (the SSE rule) on every ISA; kernels that must let NaN pass say so.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#if !defined(__ARM_FEATURE_FMA)
#error "NEON rows need fused multiply-add: -mfpu=neon-vfpv4"
#endif
#include <arm_neon.h>
#endif
#include <cmath>
#include <cstdint>
#include <cstring>

#include "simd/half.h"

// Code that must be inlined for its registers to stay registers.
#define DSNK_INLINE static inline __attribute__((always_inline))
