// The contract of `norm_rows`: operands y, mean?, inverse deviation?, sum?, x, skip?, skip bias?, scale?, bias?.
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<NormRowsParams>();
  if (p.kind < 0 || p.kind >= kRowNormCount) return "kind must be one of RowNorm";
  if (p.rows < 0 || p.n < 1) return "rows must be at least 0 and n at least 1";
  if (p.segment < 1 || p.n % p.segment != 0) return "segment must divide n";
  if (p.period < 1 || p.skipRows < 1) return "period and skipRows must be at least 1";
  const Size element(elementBytes(k.dtypes)), four(4);
  const Size all = Size(p.rows) * Size(p.n) * element;
  if (!all.fits(c.operandBytes[0])) return "output must hold [rows, n]";
  for (int i = 1; i <= 2; i++) {
    if (c.has(i) && !(Size(p.rows) * four).fits(c.operandBytes[i]))
      return "mean and deviation must hold one float a row";
  }
  if (c.has(3) && !all.fits(c.operandBytes[3])) return "sum must hold [rows, n]";
  if (!all.fits(c.operandBytes[4])) return "input must hold [rows, n]";
  if (c.has(5) && !(Size(p.skipRows) * Size(p.n) * element).fits(c.operandBytes[5]))
    return "skip must hold [skipRows, n]";
  if (c.has(6) && !(Size(p.n) * element).fits(c.operandBytes[6])) return "skip bias must hold [n]";
  const Size scales = Size(p.period) * Size(p.n / p.segment) * element;
  if (c.has(7) && !scales.fits(c.operandBytes[7])) return "scale must hold [period, n / segment]";
  if (c.has(8) && !scales.fits(c.operandBytes[8])) return "bias must hold [period, n / segment]";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const NormRowsParams*>(params);
  return tilesFor(p.rows, p.n * 4, threads);
}

extern const Contract norm_rows_contract{
    "norm_rows", "wxxxroooo", 1u << 4 | 1u << 5, sizeof(NormRowsParams), false, verify, tiles, nullptr};

}  // namespace dsnk
