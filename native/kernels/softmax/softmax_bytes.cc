// The contract of `softmax_i8`: operands y, x, both [rows, n] bytes, and the curve. The formula stands in
// softmax_bytes.inl.
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ByteSoftmaxParams>();
  if (p.zero < 0 || p.zero > 255) return "zero must be a byte";
  if (!isDim(p.rows) || !isDim(p.n)) return "rows and n must be in [0, 2^40]";
  const Size all = Size(p.rows) * Size(p.n);
  if (!all.fits(c.operandBytes[0])) return "output must hold [rows, n]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [rows, n]";
  return c.holds(2, 4 * 256) ? nullptr : "curve must hold 256 numbers";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ByteSoftmaxParams*>(params);
  return p.n == 0 ? 0 : tilesFor(p.rows, 2 * p.n + 64, threads);
}

extern const Contract softmax_i8_contract{"softmax_i8", "wrr",  1u << 1, sizeof(ByteSoftmaxParams),
                                          false,        verify, tiles,   nullptr};

}  // namespace dsnk
