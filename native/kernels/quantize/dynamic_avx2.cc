// Computes  y, scale and zero of dynamic_quantize: see dynamic.cc
// Shapes    any count
// Numerics  those of the scalar row, to the bit
// Tiling    one: the range of all elements comes first
// Packing   none
// Source    the ONNX operator definition
#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "simd/vec.h"

#include "simd/avx2-begin.h"
// in this order
#include "kernels/quantize/dynamic.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault dynamic_quantize_avx2(const Work& w) { return avx2::dynamicQuantize(w); }
}  // namespace dsnk
#endif
