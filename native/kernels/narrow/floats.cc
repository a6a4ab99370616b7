#include "kernels/narrow/floats.h"

#include "kernels/conv/plan.h"
#include "kernels/gemm/grid.h"

namespace dsnk {

const char* floatGemmVerify(const Kernel& kernel, const Check& c, int64_t head) {
  const auto& p = c.as<GemmParams>();
  bool empty = false;
  if (const char* wrong = gemmVerifyOutput(p, c, empty)) return wrong;
  if ((p.transA | 1) != 1) return "flags must be 0 or 1";
  if (!isDim(p.k) || !isDim(p.n)) return "n and k must be in [0, 2^40]";
  if (empty || p.k == 0) return nullptr;
  const Size a = p.transA ? gemmReach(p, p.strideA, p.k, p.lda, p.m) : gemmReach(p, p.strideA, p.m, p.lda, p.k);
  if (!(a * Size(4)).fits(c.operandBytes[1])) return "a must hold its strides";
  const Size panel = Size(kernel.nr) * Size(roundUp(p.k, kernel.kr)) + Size(head);
  Size b = Size(ceilDiv(p.n, kernel.nr)) * panel;
  for (int d = 0; d < kGemmBatchDims; d++) b = b + Size(p.batch[d] - 1) * Size(p.strideB[d]);
  if (!(b * Size(2)).fits(c.operandBytes[2])) return "packed b must hold its panels";
  // They are read as words: pairs of numbers, and the floats of a head.
  for (int d = 0; d < kGemmBatchDims; d++) {
    if (p.batch[d] > 1 && p.strideB[d] % 2 != 0) return "packed matrices must begin at words";
  }
  return nullptr;
}

const char* floatConvVerify(const Kernel& kernel, const Check& c, int64_t head) {
  const auto& p = c.as<ConvParams>();
  if (const char* wrong = convVerifyShape(p, c)) return wrong;
  const NarrowProduct shape = floatProductOf(p, kernel.nr, kernel.kr);
  if (shape.k == 0) return nullptr;
  const Size panel = Size(kernel.nr) * Size(shape.kPadded()) + Size(head);
  const Size weights = Size(ceilDiv(shape.n, kernel.nr)) * panel * Size(p.group) * Size(2);
  return weights.fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

}  // namespace dsnk
