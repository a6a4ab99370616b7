#if defined(__ARM_NEON)
#include <cstring>

#include "kernels/integer/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
//
#include "simd/neon-begin.h"
#include "kernels/integer/sum.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault sum_i8_neon(const Work& w) { return neon::byteSum(w); }
}  // namespace dsnk
#endif
