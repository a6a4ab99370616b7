// The contract of gemm_direct. The formula stands in direct.inl.
#include "kernels/gemm/grid.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GemmDirectParams>();
  bool empty = false;
  if (const char* wrong = gemmVerifyOutput(p, c, empty)) return wrong;
  if ((p.transB | 1) != 1) return "flags must be 0 or 1";
  if (empty || p.k == 0) return nullptr;
  if (!isStride(p.ldb)) return "row strides must be in [0, 2^48]";
  // Bounds k by the operands: rows that overlap would not.
  if (p.lda < p.k || p.ldb < (p.transB ? p.k : p.n)) return "lda and ldb must be at least a row";
  if (!(gemmReach(p, p.strideA, p.m, p.lda, p.k) * Size(4)).fits(c.operandBytes[1])) return "a must hold its strides";
  const Size b = p.transB ? gemmReach(p, p.strideB, p.n, p.ldb, p.k) : gemmReach(p, p.strideB, p.k, p.ldb, p.n);
  if (!(b * Size(4)).fits(c.operandBytes[2])) return "b must hold its strides";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GemmDirectParams*>(params);
  if (p.m == 0 || p.n == 0) return 0;
  const double cost = static_cast<double>(p.m) * static_cast<double>(p.k + 16) * (kGemmDirectColumns / 16.0);
  return tilesFor(gemmBatch(p) * ceilDiv(p.n, kGemmDirectColumns),
                  cost < 1e12 ? static_cast<int64_t>(cost) : int64_t{1000000000000}, threads);
}

extern const Contract gemm_direct_contract{"gemm_direct", "wrroo", 0,     sizeof(GemmDirectParams),
                                           false,         verify,  tiles, nullptr};

}  // namespace dsnk
