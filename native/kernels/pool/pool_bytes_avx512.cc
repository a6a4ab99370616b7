#if defined(__x86_64__)
#include <cstring>

#include "kernels/pool/pool.h"
//
#include "simd/avx512-begin.h"

struct Bytes {
  static constexpr int lanes = 64;
  __m512i v;
  static inline Bytes splat(int x) { return {_mm512_set1_epi8(static_cast<char>(x))}; }
  static inline Bytes load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
  static inline Bytes loadFirst(const uint8_t* p, int n) { return {_mm512_maskz_loadu_epi8(first(n), p)}; }
  inline void store(uint8_t* p) const { _mm512_storeu_si512(p, v); }
  inline void storeFirst(uint8_t* p, int n) const { _mm512_mask_storeu_epi8(p, first(n), v); }
  static inline __mmask64 first(int n) { return _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n)); }
};
template <bool isSigned>
DSNK_INLINE Bytes larger(Bytes a, Bytes b) {
  return {isSigned ? _mm512_max_epi8(a.v, b.v) : _mm512_max_epu8(a.v, b.v)};
}
#include "kernels/pool/pool_bytes.inl"
#include "simd/avx512-end.h"

namespace dsnk {

Fault pool_u8_avx512(const Work& w) { return avx512::runPoolOfBytes<false>(w); }
Fault pool_i8_avx512(const Work& w) { return avx512::runPoolOfBytes<true>(w); }

}  // namespace dsnk
#endif
