#if defined(__x86_64__)
#include <cstring>

#include "kernels/pool/pool.h"
//
#include "simd/avx2-begin.h"

struct Bytes {
  static constexpr int lanes = 32;
  __m256i v;
  static inline Bytes splat(int x) { return {_mm256_set1_epi8(static_cast<char>(x))}; }
  static inline Bytes load(const uint8_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static inline Bytes loadFirst(const uint8_t* p, int n) {
    uint8_t some[lanes] = {};
    std::memcpy(some, p, static_cast<size_t>(n));
    return load(some);
  }
  inline void store(uint8_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  inline void storeFirst(uint8_t* p, int n) const {
    uint8_t some[lanes];
    store(some);
    std::memcpy(p, some, static_cast<size_t>(n));
  }
};
template <bool isSigned>
DSNK_INLINE Bytes larger(Bytes a, Bytes b) {
  return {isSigned ? _mm256_max_epi8(a.v, b.v) : _mm256_max_epu8(a.v, b.v)};
}
#include "kernels/pool/pool_bytes.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault pool_u8_avx2(const Work& w) { return avx2::runPoolOfBytes<false>(w); }
Fault pool_i8_avx2(const Work& w) { return avx2::runPoolOfBytes<true>(w); }

}  // namespace dsnk
#endif
