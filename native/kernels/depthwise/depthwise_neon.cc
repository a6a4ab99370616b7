#if defined(__ARM_NEON)
#include "kernels/depthwise/depthwise.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"

#include "simd/neon-begin.h"
#include "kernels/depthwise/depthwise.inl"
//
#include "kernels/depthwise/run.inl"
#include "simd/neon-end.h"

namespace dsnk {

Fault depthwise_f32_neon(const Work& w) { return neon::runDepthwise(w); }

}  // namespace dsnk
#endif
