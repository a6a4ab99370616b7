#if defined(__x86_64__)
#include <cstring>

#include "kernels/integer/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
//
#include "simd/avx512-begin.h"
#include "kernels/integer/sum.inl"
#include "simd/avx512-end.h"

namespace dsnk {
Fault sum_i8_avx512(const Work& w) { return avx512::byteSum(w); }
}  // namespace dsnk
#endif
