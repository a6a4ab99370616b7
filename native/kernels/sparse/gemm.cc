// The contracts of products of few rows with compressed weights. The formula stands in gemm.inl.
#include "kernels/gemm/grid.h"
#include "kernels/integer/verify.h"
#include "kernels/sparse/gemm.h"

namespace dsnk {

// Elements of a and of b; in front of a panel of halves stand its scales.
static const char* verifyRows(const Kernel& kernel, const Check& c, int64_t m, int64_t n, int64_t k, int64_t lda,
                              int64_t element, int64_t packed, int64_t head = 0) {
  if (!((Size(m - 1) * Size(lda) + Size(k)) * Size(element)).fits(c.operandBytes[1])) return "a must hold its strides";
  const Size blocks = Size(sparseBlocks(roundUp(k, kernel.kr))) * Size(sparseBlockBytes(kernel.nr, packed));
  return (Size(ceilDiv(n, kernel.nr)) * (blocks + Size(head * kernel.nr))).fits(c.operandBytes[2])
             ? nullptr
             : "compressed b must hold its panels";
}

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<GemmParams>();
  for (int64_t b : p.batch) {
    if (b != 1) return "there must be one product";
  }
  if (p.transA != 0) return "a must stand in rows";
  if (!isDim(p.m) || !isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  bool empty = false;
  if (const char* wrong = gemmVerifyOutput(p, c, empty)) return wrong;
  if (empty || p.k == 0) return nullptr;
  // f32, f32f16 or f32bf16
  const char narrow = kernel.dtypes[3];
  return verifyRows(kernel, c, p.m, p.n, p.k, p.lda, 4, narrow == 0 ? 4 : 2, narrow == 'f' ? 4 : 0);
}

static const char* verifyBytes(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerGemmParams>();
  if (!isDim(p.m) || !isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  for (int64_t stride : {p.lda, p.ldc, p.residualRow}) {
    if (!isStride(stride)) return "row strides must be in [0, 2^48]";
  }
  if (p.m == 0 || p.n == 0) return nullptr;
  if (p.ldc < p.n) return "ldc must be at least n";
  const auto rows = [&](int64_t stride) { return Size(p.m - 1) * Size(stride) + Size(p.n); };
  if (!(rows(p.ldc) * integerElementBytes(p)).fits(c.operandBytes[0])) return "output must hold its strides";
  if (const char* wrong = verifyIntegerEnding(p, c, p.n, rows(p.residualRow))) return wrong;
  return p.k == 0 ? nullptr : verifyRows(kernel, c, p.m, p.n, p.k, p.lda, 1, 1);
}

template <class P>
static uint32_t tiles(const Kernel& kernel, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const P*>(params);
  if (p.m == 0 || p.n == 0) return 0;
  return tilesFor(ceilDiv(p.n, kernel.nr), (p.m + 1) * (p.k + 16), threads);
}

template <class P, int element>
static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const P*>(params);
  return static_cast<uint64_t>((p.m < kSparseRows ? p.m : kSparseRows) * sparseRow(p.k) * element);
}

extern const Contract sparse_gemm_contract{
    "sparse_gemm", "wrroo", 0, sizeof(GemmParams), false, verify, tiles<GemmParams>, scratchBytes<GemmParams, 4>};
extern const Contract sparse_gemm_i8_contract{"sparse_gemm_i8",
                                              "wrrrooo",
                                              0,
                                              sizeof(IntegerGemmParams),
                                              false,
                                              verifyBytes,
                                              tiles<IntegerGemmParams>,
                                              scratchBytes<IntegerGemmParams, 1>};

}  // namespace dsnk
