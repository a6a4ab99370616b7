#if defined(__ARM_NEON)
#include <cstring>

#include "kernels/pool/pool.h"
//
#include "simd/neon-begin.h"

struct Bytes {
  static constexpr int lanes = 16;
  uint8x16_t v;
  static inline Bytes splat(int x) { return {vdupq_n_u8(static_cast<uint8_t>(x))}; }
  static inline Bytes load(const uint8_t* p) { return {vld1q_u8(p)}; }
  static inline Bytes loadFirst(const uint8_t* p, int n) {
    uint8_t some[lanes] = {};
    std::memcpy(some, p, static_cast<size_t>(n));
    return load(some);
  }
  inline void store(uint8_t* p) const { vst1q_u8(p, v); }
  inline void storeFirst(uint8_t* p, int n) const {
    uint8_t some[lanes];
    store(some);
    std::memcpy(p, some, static_cast<size_t>(n));
  }
};
template <bool isSigned>
DSNK_INLINE Bytes larger(Bytes a, Bytes b) {
  if constexpr (!isSigned) return {vmaxq_u8(a.v, b.v)};
  return {vreinterpretq_u8_s8(vmaxq_s8(vreinterpretq_s8_u8(a.v), vreinterpretq_s8_u8(b.v)))};
}
#include "kernels/pool/pool_bytes.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault pool_u8_neon(const Work& w) { return neon::runPoolOfBytes<false>(w); }
Fault pool_i8_neon(const Work& w) { return neon::runPoolOfBytes<true>(w); }

}  // namespace dsnk
#endif
