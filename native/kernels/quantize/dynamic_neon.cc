// Computes  y, scale and zero of dynamic_quantize: see dynamic.cc
// Shapes    any count
// Numerics  those of the scalar row, to the bit; on ARMv7 denormal numbers are zeros
// Tiling    one: the range of all elements comes first
// Packing   none
// Source    the ONNX operator definition
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
// in this order
#include "kernels/quantize/dynamic.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault dynamic_quantize_neon(const Work& w) { return neon::dynamicQuantize(w); }
}  // namespace dsnk
#endif
