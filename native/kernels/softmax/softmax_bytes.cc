// The contract of `softmax_i8`: operands y, x, both [outer, n, inner] bytes, and the curve. The formula stands in
// softmax_bytes.inl.
#include "kernels/axis.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ByteSoftmaxParams>();
  if (p.zero < 0 || p.zero > 255) return "zero must be a byte";
  const Size all = Size(p.outer) * Size(p.n) * Size(p.inner);
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, n, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, n, inner]";
  return c.holds(2, 4 * 256) ? nullptr : "curve must hold 256 numbers";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ByteSoftmaxParams*>(params);
  return AxisTiles(p.outer, p.n, p.inner).count(threads, 3);
}

extern const Contract softmax_i8_contract{"softmax_i8", "wrr",  1u << 1, sizeof(ByteSoftmaxParams),
                                          false,        verify, tiles,   nullptr};

}  // namespace dsnk
