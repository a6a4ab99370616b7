// The contracts of matrix product and convolution in bfloats. The formula stands in product.inl.
#include "kernels/narrow/floats.h"

namespace dsnk {

static const char* verifyGemm(const Kernel& k, const Check& c) { return floatGemmVerify(k, c, /*head=*/0); }
static const char* verifyConv(const Kernel& k, const Check& c) { return floatConvVerify(k, c, /*head=*/0); }

template <class P>
static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(floatProductOf(*static_cast<const P*>(params), k.nr, k.kr), threads);
}

template <class P>
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return floatProductOf(*static_cast<const P*>(params), k.nr, k.kr).scratchBytes();
}

// Of the same operations as the float32 rows; what selects them is the element type `f32bf16`.
extern const Contract gemm_bf16_contract{
    "gemm", "wrroo", 0, sizeof(GemmParams), false, verifyGemm, tiles<GemmParams>, scratchBytes<GemmParams>};
extern const Contract conv_bf16_contract{
    "conv", "wrroo", 0, sizeof(ConvParams), false, verifyConv, tiles<ConvParams>, scratchBytes<ConvParams>};

}  // namespace dsnk
