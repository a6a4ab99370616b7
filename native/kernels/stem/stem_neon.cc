#if defined(__ARM_NEON)
#include "kernels/epilogue/params.gen.h"
#include "kernels/stem/stem.h"

#include "simd/neon-begin.h"
#include "kernels/stem/stem.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault stem_f32_neon(const Work& w) { return neon::runStem(w); }

}  // namespace dsnk
#endif
