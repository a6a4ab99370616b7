#if defined(__x86_64__)
#include "kernels/pool/pool.h"

#include "simd/avx512-begin.h"
#include "kernels/pool/pool.inl"
#include "simd/avx512-end.h"

namespace dsnk {

Fault pool_f32_avx512(const Work& w) { return avx512::runPool(w); }

}  // namespace dsnk
#endif
