// probe.inl for AVX-512 BF16: its loop of multiply-adds over pairs of bfloats, two to a lane.
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"
#include "simd/avx512bf16-begin.h"
//
static Fault probePairs(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  F32 t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = F32::set(static_cast<float>(i));
  const F32 a = F32::set(0.999f), b = F32::set(0.001f);
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) {
      asm volatile("vdpbf16ps %2, %1, %0" : "+v"(t[i].v) : "v"(a.v), "v"(b.v));
    }
  }
  F32 s = F32::zero();
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) s = s + t[i];
  s.store(w.at<float>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
#include "simd/avx512bf16-end.h"

namespace dsnk {
Fault probe_fma_bf16_avx512bf16(const Work& w) { return avx512bf16::probePairs(w); }
}  // namespace dsnk
#endif
