#if defined(__x86_64__)
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"

#include "simd/avx2-begin.h"
#include "kernels/depthwise/depthwise.inl"
//
#include "kernels/depthwise/run.inl"
#include "simd/avx2-end.h"

namespace dsnk {

Fault depthwise_f32_avx2(const Work& w) { return avx2::runDepthwise(w); }

}  // namespace dsnk
#endif
