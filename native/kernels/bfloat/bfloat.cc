// The contracts of matrix product and convolution in bfloats: parameters and operands are those of the float32 kernels,
// but for the packed weights. The formula stands in product.inl.
#include "kernels/bfloat/product.h"
#include "kernels/conv/plan.h"
#include "kernels/gemm/grid.h"

namespace dsnk {

static const char* verifyGemm(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<GemmParams>();
  bool empty = false;
  if (const char* wrong = gemmVerifyOutput(p, c, empty)) return wrong;
  if ((p.transA | 1) != 1) return "flags must be 0 or 1";
  if (!isDim(p.k) || !isDim(p.n)) return "n and k must be in [0, 2^40]";
  if (empty || p.k == 0) return nullptr;
  const Size a = p.transA ? gemmReach(p, p.strideA, p.k, p.lda, p.m) : gemmReach(p, p.strideA, p.m, p.lda, p.k);
  if (!(a * Size(4)).fits(c.operandBytes[1])) return "a must hold its strides";
  Size b = Size(roundUp(p.n, kernel.nr)) * Size(roundUp(p.k, kernel.kr));
  for (int d = 0; d < kGemmBatchDims; d++) b = b + Size(p.batch[d] - 1) * Size(p.strideB[d]);
  if (!(b * Size(2)).fits(c.operandBytes[2])) return "packed b must hold its panels";
  return nullptr;
}

static const char* verifyConv(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<ConvParams>();
  if (const char* wrong = convVerifyShape(p, c)) return wrong;
  const NarrowProduct shape = bfloatProductOf(p, kernel.nr, kernel.kr);
  const Size weights = Size(roundUp(shape.n, kernel.nr)) * Size(shape.kPadded()) * Size(p.group) * Size(2);
  return weights.fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

template <class P>
static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(bfloatProductOf(*static_cast<const P*>(params), k.nr, k.kr), threads);
}

template <class P>
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return bfloatProductOf(*static_cast<const P*>(params), k.nr, k.kr).scratchBytes();
}

// Of the same operations as the float32 rows; what selects them is the element type `f32bf16`.
extern const Contract gemm_bf16_contract{
    "gemm", "wrroo", 0, sizeof(GemmParams), false, verifyGemm, tiles<GemmParams>, scratchBytes<GemmParams>};
extern const Contract conv_bf16_contract{
    "conv", "wrroo", 0, sizeof(ConvParams), false, verifyConv, tiles<ConvParams>, scratchBytes<ConvParams>};

}  // namespace dsnk
