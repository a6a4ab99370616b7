// The contract of gemm: what its parameters must be, how it is cut, what scratch it takes. The formula stands in
// gemm.inl.
#include "kernels/gemm/grid.h"

namespace dsnk {

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<GemmParams>();
  bool empty = false;
  if (const char* wrong = gemmVerifyOutput(p, c, empty)) return wrong;
  if ((p.transA | 1) != 1) return "flags must be 0 or 1";
  if (empty || p.k == 0) return nullptr;
  const Size a = p.transA ? gemmReach(p, p.strideA, p.k, p.lda, p.m) : gemmReach(p, p.strideA, p.m, p.lda, p.k);
  if (!(a * Size(4)).fits(c.operandBytes[1])) return "a must hold its strides";
  if (!isDim(p.n)) return "n must be in [0, 2^40]";
  Size b = Size(roundUp(p.n, kernel.nr)) * Size(p.k);
  for (int d = 0; d < kGemmBatchDims; d++) b = b + Size(p.batch[d] - 1) * Size(p.strideB[d]);
  if (!(b * Size(4)).fits(c.operandBytes[2])) return "packed b must hold its panels";
  return nullptr;
}

static uint32_t tiles(const Kernel& kernel, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GemmParams*>(params);
  if (gemmBatch(p) == 0 || p.m == 0 || p.n == 0) return 0;
  const int64_t mUnits = ceilDiv(p.m, kGemmUnitRows), nUnits = ceilDiv(p.n, kernel.nr);
  // Units are tiles of registers; their cost is counted in vector FMAs, about one a cycle.
  int64_t units = 0;
  if (__builtin_mul_overflow(mUnits * nUnits, gemmBatch(p), &units)) units = INT64_MAX;
  const int64_t rows = p.m < kGemmUnitRows ? p.m : kGemmUnitRows;
  const int64_t unitCost = rows * 2 * (p.k < kMaxDim ? p.k + 16 : kMaxDim);
  uint32_t t = tilesFor(units, unitCost, threads);
  while (gemmGrid(p, t, mUnits, nUnits).batch == 0) t--;
  return t;
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const GemmParams*>(params);
  if (!p.transA && !(p.lda % 512 == 0 && p.k >= 128)) return 0;
  // One block of a. A tile has all rows or fewer, and k is one block for few rows: the larger of both ways.
  const auto block = [&](int64_t kc, int64_t most) {
    const int64_t rows = roundUp(most, kGemmUnitRows);
    return (p.m < rows ? p.m : rows) * gemmScratchRow(kc);
  };
  const int64_t kc = ceilDiv(p.k, p.k <= kGemmKc ? 1 : ceilDiv(p.k, kGemmKc));
  const int64_t blocked = block(kc, gemmBlockRows(kc) + kGemmUnitRows), whole = block(p.k, kGemmUnitRows);
  return static_cast<uint64_t>(blocked > whole ? blocked : whole) * sizeof(float);
}

extern const Contract gemm_contract{"gemm", "wrroo", 0, sizeof(GemmParams), false, verify, tiles, scratchBytes};

}  // namespace dsnk
