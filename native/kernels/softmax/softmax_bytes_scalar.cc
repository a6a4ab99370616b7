#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"
//
#include "simd/scalar-begin.h"
#include "kernels/table/look-scalar.inl"
#include "kernels/softmax/exponentials.inl"
//
#include "kernels/softmax/softmax_bytes.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault softmax_i8_scalar(const Work& w) { return scalar::byteSoftmax(w); }
}  // namespace dsnk
