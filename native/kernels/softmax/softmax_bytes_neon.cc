#if defined(__ARM_NEON)
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"
//
#include "simd/neon-begin.h"
#if defined(__aarch64__)
#include "kernels/table/look-neon.inl"
#else
#include "kernels/table/look-scalar.inl"
#endif
#include "kernels/softmax/exponentials.inl"
//
#include "kernels/softmax/softmax_bytes.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault softmax_i8_neon(const Work& w) { return neon::byteSoftmax(w); }
}  // namespace dsnk
#endif
