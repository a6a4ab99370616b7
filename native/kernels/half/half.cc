// The contracts of matrix product and convolution in halves. The formula stands in product.inl.
#include "kernels/half/product.h"

namespace dsnk {

static const char* verifyGemm(const Kernel& k, const Check& c) { return floatGemmVerify(k, c, kHalfHead * k.nr); }
static const char* verifyConv(const Kernel& k, const Check& c) { return floatConvVerify(k, c, kHalfHead * k.nr); }

template <class P>
static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(halfProductOf(*static_cast<const P*>(params), k.nr, k.kr), threads);
}

template <class P>
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return halfProductOf(*static_cast<const P*>(params), k.nr, k.kr).scratchBytes();
}

// Of the same operations as the float32 rows; what selects them is the element type `f32f16`.
extern const Contract gemm_f16_contract{
    "gemm", "wrroo", 0, sizeof(GemmParams), false, verifyGemm, tiles<GemmParams>, scratchBytes<GemmParams>};
extern const Contract conv_f16_contract{
    "conv", "wrroo", 0, sizeof(ConvParams), false, verifyConv, tiles<ConvParams>, scratchBytes<ConvParams>};

}  // namespace dsnk
