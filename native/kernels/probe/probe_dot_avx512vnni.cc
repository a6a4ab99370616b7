// probe.inl's loop for products of bytes in AVX-512 VNNI: twelve chains.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx512vnni-begin.h"
//
static Fault probeBytes(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  F32 t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = fromBits(I32::set(i));
  const F32 a = fromBits(I32::set(0x01010101)), b = a;
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) {
      asm volatile("vpdpbusd %2, %1, %0" : "+v"(t[i].v) : "v"(a.v), "v"(b.v));
    }
  }
  I32 s = bitsOf(t[0]);
  _Pragma("GCC unroll 32") for (int i = 1; i < chains; i++) s = s + bitsOf(t[i]);
  s.store(w.at<int32_t>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault probe_dot_i8_avx512vnni(const Work& w) { return avx512vnni::probeBytes(w); }
}  // namespace dsnk
#endif
