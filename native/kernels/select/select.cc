// The contracts of `arg_reduce` (y int64, x) and `topk` (values, indices int64, x) along the middle of [outer, n,
// inner].
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/select/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verifyArg(const Kernel& k, const Check& c) {
  const auto& p = c.as<ArgReduceParams>();
  if ((p.smallest | 1) != 1 || (p.last | 1) != 1) return "flags must be 0 or 1";
  if (p.n < 1 || p.n > INT32_MAX) return "n must be 1 to 2^31 - 1";
  const Size rows = Size(p.outer) * Size(p.inner);
  if (!(rows * Size(8)).fits(c.operandBytes[0])) return "output must hold [outer, inner]";
  if (!(rows * Size(p.n) * Size(elementBytes(k.dtypes))).fits(c.operandBytes[1]))
    return "input must hold [outer, n, inner]";
  return nullptr;
}

static uint32_t argTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ArgReduceParams*>(params);
  return AxisTiles(p.outer, p.n, p.inner).count(threads, 1);
}

extern const Contract arg_reduce_contract{"arg_reduce", "wr",      0,        sizeof(ArgReduceParams),
                                          false,        verifyArg, argTiles, nullptr};

static const char* verifyTopk(const Kernel& k, const Check& c) {
  const auto& p = c.as<TopkParams>();
  if ((p.smallest | 1) != 1) return "smallest must be 0 or 1";
  if (p.k < 0 || p.k > p.n) return "k must be 0 to n";
  const Size rows = Size(p.outer) * Size(p.inner), element(elementBytes(k.dtypes));
  if (!(rows * Size(p.k) * element).fits(c.operandBytes[0])) return "values must hold [outer, k, inner]";
  if (!(rows * Size(p.k) * Size(8)).fits(c.operandBytes[1])) return "indices must hold [outer, k, inner]";
  if (!(rows * Size(p.n) * element).fits(c.operandBytes[2])) return "input must hold [outer, n, inner]";
  if (rows.value() == 0 && p.k > int64_t{1} << 32) return "k must be below 2^32";  // bounds the scratch
  return nullptr;
}

static uint32_t topkTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const TopkParams*>(params);
  if (p.k == 0) return 0;
  return AxisTiles(p.outer, p.n, p.inner).count(threads, 4);
}

static uint64_t topkScratch(const Kernel&, const void* params) {
  const auto& p = *static_cast<const TopkParams*>(params);
  return p.outer == 0 || p.inner == 0 ? 0 : static_cast<uint64_t>(p.k) * 16;
}

extern const Contract topk_contract{"topk", "wwr", 0, sizeof(TopkParams), false, verifyTopk, topkTiles, topkScratch};

}  // namespace dsnk
