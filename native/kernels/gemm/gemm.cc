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
  if (p.n > int64_t{1} << 40) return "n must be below 2^40";
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
  const int64_t unitCost = rows * 2 * (p.k < (int64_t{1} << 40) ? p.k + 16 : int64_t{1} << 40);
  uint32_t t = tilesFor(units, unitCost, threads);
  while (gemmGrid(p, t, mUnits, nUnits).batch == 0) t--;
  return t;
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const GemmParams*>(params);
  // One block of a. A tile has all rows or fewer: the largest block is that of some such number, and its height is at
  // most kGemmMc rounded up to a tile.
  const int64_t rows = p.m < kGemmMc + kGemmUnitRows ? p.m : kGemmMc + kGemmUnitRows;
  const int64_t few = p.m < kGemmUnitRows ? p.m : kGemmUnitRows;  // up to a tile of rows: not blocked along k
  const int64_t kc = p.k < kGemmKc ? p.k : kGemmKc;
  if (!p.transA && !(p.lda % 512 == 0 && p.k >= 128)) return 0;
  const int64_t blocked = rows * (kc + 32), whole = few * (p.k + 32);
  return static_cast<uint64_t>(blocked > whole ? blocked : whole) * sizeof(float);
}

extern const Contract gemm_contract{"gemm", "wrroo", 0, sizeof(GemmParams), false, verify, tiles, scratchBytes};

}  // namespace dsnk
