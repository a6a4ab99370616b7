#if defined(__x86_64__)
#include "kernels/pool/pool.h"

#include "simd/avx2-begin.h"
#include "kernels/pool/pool.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault pool_f32_avx2(const Work& w) { return avx2::runPool(w); }

}  // namespace dsnk
#endif
