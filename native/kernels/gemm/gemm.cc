// The contract of gemm: what its parameters must be, how it is cut, what scratch it takes. The formula stands in
// gemm.inl.
#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/grid.h"
#include "kernels/kernel.h"

namespace dsnk {

// Elements reached from the first one: every batch dimension and row at its last index, then one row.
static Size reach(const GemmParams& p, const int64_t* stride, int64_t rows, int64_t rowStride, int64_t columns) {
  Size last = Size(rows - 1) * Size(rowStride) + Size(columns);
  for (int d = 0; d < kGemmBatchDims; d++) last = last + Size(p.batch[d] - 1) * Size(stride[d]);
  return last;
}

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<GemmParams>();
  Size batch(1);
  for (int64_t b : p.batch) batch = batch * Size(b);
  if (p.m < 0 || p.n < 0 || p.k < 0 || batch.bad()) return "dimensions must not be negative or overflow";
  if (p.lda < 0 || p.ldc < 0 || p.residualRow < 0 || p.biasRow < 0) return "row strides must not be negative";
  for (int d = 0; d < kGemmBatchDims; d++) {
    if (p.strideA[d] < 0 || p.strideB[d] < 0 || p.strideC[d] < 0 || p.strideResidual[d] < 0)
      return "batch strides must not be negative";
  }
  if ((p.biasColumn | 1) != 1 || (p.transA | 1) != 1) return "flags must be 0 or 1";
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be a member of Activation";
  const Size outputs = batch * Size(p.m) * Size(p.n);
  if (outputs.bad()) return "output must not overflow";
  if (outputs.value() == 0) return nullptr;
  // Bounds the work by the size of the output too: overlapping rows would not.
  if (!(outputs * Size(4)).fits(c.operandBytes[0])) return "output must hold m × n of every batch";
  if (p.ldc < p.n) return "ldc must be at least n";
  if (!(reach(p, p.strideC, p.m, p.ldc, p.n) * Size(4)).fits(c.operandBytes[0])) return "output must hold its strides";
  if (p.k > 0) {
    const Size a = p.transA ? reach(p, p.strideA, p.k, p.lda, p.m) : reach(p, p.strideA, p.m, p.lda, p.k);
    if (!(a * Size(4)).fits(c.operandBytes[1])) return "a must hold its strides";
    if (p.n > int64_t{1} << 40) return "n must be below 2^40";
    const Size packed = Size(roundUp(p.n, kernel.nr)) * Size(p.k);
    Size b = packed;
    for (int d = 0; d < kGemmBatchDims; d++) b = b + Size(p.batch[d] - 1) * Size(p.strideB[d]);
    if (!(b * Size(4)).fits(c.operandBytes[2])) return "packed b must hold its panels";
  }
  if (c.has(3)) {
    const Size bias = Size(p.m - 1) * Size(p.biasRow) + Size(p.n - 1) * Size(p.biasColumn) + Size(1);
    if (!(bias * Size(4)).fits(c.operandBytes[3])) return "bias must hold its strides";
  }
  if (c.has(4) && !(reach(p, p.strideResidual, p.m, p.residualRow, p.n) * Size(4)).fits(c.operandBytes[4]))
    return "residual must hold its strides";
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
