// probe.inl for arithmetic on halves: its loop of multiply-adds, eight to a vector.
#if defined(__aarch64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/neonfp16-begin.h"
//
static Fault probeHalves(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  float16x8_t t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = vdupq_n_f16(static_cast<float16_t>(i));
  const float16x8_t a = vdupq_n_f16(static_cast<float16_t>(0.9f)), b = vdupq_n_f16(static_cast<float16_t>(0.1f));
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) {
      asm volatile("fmla %0.8h, %1.8h, %2.8h" : "+w"(t[i]) : "w"(a), "w"(b));
    }
  }
  float16x8_t s = t[0];
  _Pragma("GCC unroll 32") for (int i = 1; i < chains; i++) s = vaddq_f16(s, t[i]);
  F32{vcvt_f32_f16(vget_low_f16(s))}.store(w.at<float>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
#include "simd/neonfp16-end.h"

namespace dsnk {
Fault probe_fma_f16_neonfp16(const Work& w) { return neonfp16::probeHalves(w); }
}  // namespace dsnk
#endif
