// attention.inl in plain C++: the definition.
#include "kernels/attention/attention.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "simd/scalar-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/attention/attention.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault attention_f32_scalar(const Work& w) { return scalar::attentionRun(w); }
}  // namespace dsnk
