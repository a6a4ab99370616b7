// What products of float32 activations and packed weights of 16 bits are as products in narrow numbers, and their
// contracts: parameters and operands are those of the float32 kernels, but for the packed weights.
#pragma once
#include "kernels/conv/params.gen.h"
#include "kernels/gemm/params.gen.h"
#include "kernels/narrow/product.h"

namespace dsnk {

inline NarrowProduct floatProductOf(const GemmParams& p, int64_t nr, int64_t kr) {
  return {p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3], p.m, p.n, p.k, nr, kr, /*bytes=*/2};
}
inline NarrowProduct floatProductOf(const ConvParams& p, int64_t nr, int64_t kr) {
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2];
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  return {p.group, pixels, p.outChannels / p.group, taps * (p.channels / p.group), nr, kr, /*bytes=*/2};
}

// `head` as NarrowProduct has it.
const char* floatGemmVerify(const Kernel&, const Check&, int64_t head);
const char* floatConvVerify(const Kernel&, const Check&, int64_t head);

}  // namespace dsnk
