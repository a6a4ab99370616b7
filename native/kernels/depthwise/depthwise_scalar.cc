#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"

#include "simd/scalar-begin.h"
#include "kernels/depthwise/depthwise.inl"
//
#include "kernels/depthwise/run.inl"
#include "simd/scalar-end.h"

namespace dsnk {

Fault depthwise_f32_scalar(const Work& w) { return scalar::runDepthwise(w); }

}  // namespace dsnk
