#if defined(__x86_64__)
#include <cstring>

#include "kernels/integer/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
//
#include "simd/avx2-begin.h"
#include "kernels/integer/sum.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault sum_i8_avx2(const Work& w) { return avx2::byteSum(w); }
}  // namespace dsnk
#endif
