#if defined(__ARM_NEON)
#include "kernels/pool/pool.h"

#include "simd/neon-begin.h"
#include "kernels/pool/pool.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault pool_f32_neon(const Work& w) { return neon::runPool(w); }

}  // namespace dsnk
#endif
