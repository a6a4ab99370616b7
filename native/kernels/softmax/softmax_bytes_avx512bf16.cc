#if defined(__x86_64__)
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"
//
#include "simd/avx512bf16-begin.h"
#include "kernels/table/look-avx512.inl"
#include "kernels/softmax/exponentials-avx512.inl"
//
#include "kernels/softmax/softmax_bytes.inl"
#include "simd/avx512bf16-end.h"

namespace dsnk {
Fault softmax_i8_avx512bf16(const Work& w) { return avx512bf16::byteSoftmax(w); }
}  // namespace dsnk
#endif
