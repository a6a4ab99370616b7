#if defined(__x86_64__)
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"
//
#include "simd/avx2-begin.h"
#include "kernels/table/look-avx2.inl"
#include "kernels/softmax/exponentials.inl"
//
#include "kernels/softmax/softmax_bytes.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault softmax_i8_avx2(const Work& w) { return avx2::byteSoftmax(w); }
}  // namespace dsnk
#endif
