#include <cstring>

#include "kernels/integer/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
//
#include "simd/scalar-begin.h"
#include "kernels/integer/sum.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault sum_i8_scalar(const Work& w) { return scalar::byteSum(w); }
}  // namespace dsnk
