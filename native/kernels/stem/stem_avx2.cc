#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/stem/stem.h"

#include "simd/avx2-begin.h"
#include "kernels/stem/stem.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault stem_f32_avx2(const Work& w) { return avx2::runStem(w); }

}  // namespace dsnk
#endif
