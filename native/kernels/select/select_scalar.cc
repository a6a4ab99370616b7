// Computes  arg_reduce and topk for every element type: see select_f32_avx2.cc
// Shapes    as there
// Numerics  bit-equal; float16 and bfloat16 compare as the numbers they are
// Tiling    whole columns of the axis
// Packing   none
// Source    none
#include "kernels/axis.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/reduce/shape.h"
#include "kernels/select/params.gen.h"
#include "simd/vec.h"

#include "simd/scalar-begin.h"
#include "simd/sweep.inl"
// in this order
#include "kernels/reduce/fold.inl"
// in this order
#include "kernels/select/select.inl"
#include "simd/scalar-end.h"

namespace dsnk {
Fault arg_reduce_f32_scalar(const Work& w) { return scalar::argReduce(w); }
Fault topk_f32_scalar(const Work& w) { return scalar::topk(w); }
Fault arg_reduce_f64_scalar(const Work& w) { return scalar::argColumns<double>(w); }
Fault arg_reduce_f16_scalar(const Work& w) { return scalar::argColumns<F16>(w); }
Fault arg_reduce_bf16_scalar(const Work& w) { return scalar::argColumns<BF16>(w); }
Fault arg_reduce_i8_scalar(const Work& w) { return scalar::argColumns<int8_t>(w); }
Fault arg_reduce_u8_scalar(const Work& w) { return scalar::argColumns<uint8_t>(w); }
Fault arg_reduce_i16_scalar(const Work& w) { return scalar::argColumns<int16_t>(w); }
Fault arg_reduce_u16_scalar(const Work& w) { return scalar::argColumns<uint16_t>(w); }
Fault arg_reduce_i32_scalar(const Work& w) { return scalar::argColumns<int32_t>(w); }
Fault arg_reduce_u32_scalar(const Work& w) { return scalar::argColumns<uint32_t>(w); }
Fault arg_reduce_i64_scalar(const Work& w) { return scalar::argColumns<int64_t>(w); }
Fault arg_reduce_u64_scalar(const Work& w) { return scalar::argColumns<uint64_t>(w); }
Fault topk_f64_scalar(const Work& w) { return scalar::topkColumns<double>(w); }
Fault topk_f16_scalar(const Work& w) { return scalar::topkColumns<F16>(w); }
Fault topk_bf16_scalar(const Work& w) { return scalar::topkColumns<BF16>(w); }
Fault topk_i8_scalar(const Work& w) { return scalar::topkColumns<int8_t>(w); }
Fault topk_u8_scalar(const Work& w) { return scalar::topkColumns<uint8_t>(w); }
Fault topk_i16_scalar(const Work& w) { return scalar::topkColumns<int16_t>(w); }
Fault topk_u16_scalar(const Work& w) { return scalar::topkColumns<uint16_t>(w); }
Fault topk_i32_scalar(const Work& w) { return scalar::topkColumns<int32_t>(w); }
Fault topk_u32_scalar(const Work& w) { return scalar::topkColumns<uint32_t>(w); }
Fault topk_i64_scalar(const Work& w) { return scalar::topkColumns<int64_t>(w); }
Fault topk_u64_scalar(const Work& w) { return scalar::topkColumns<uint64_t>(w); }
}  // namespace dsnk
