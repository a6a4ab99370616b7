#if defined(__x86_64__)
#include "kernels/epilogue/params.gen.h"
#include "kernels/stem/stem.h"

#include "simd/avx512-begin.h"
#include "kernels/stem/stem.inl"
#include "simd/avx512-end.h"

namespace dsnk {

Fault stem_f32_avx512(const Work& w) { return avx512::runStem(w); }

}  // namespace dsnk
#endif
