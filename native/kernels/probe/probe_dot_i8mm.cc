// probe.inl's loop for products of bytes in NEON with USMMLA: twelve chains.
#if defined(__aarch64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/i8mm-begin.h"
//
static Fault probeBytes(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  I32 t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = I32::set(i);
  int8x16_t a = vdupq_n_s8(1);
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) {
      asm volatile("usmmla %0.4s, %1.16b, %2.16b" : "+w"(t[i].v) : "w"(a), "w"(a));
    }
  }
  I32 s = t[0];
  _Pragma("GCC unroll 32") for (int i = 1; i < chains; i++) s = s + t[i];
  s.store(w.at<int32_t>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
#include "simd/i8mm-end.h"

namespace dsnk {
Fault probe_dot_i8_i8mm(const Work& w) { return i8mm::probeBytes(w); }
}  // namespace dsnk
#endif
