// The contract of sums of bytes. The formula stands in sum.inl.
#include "kernels/integer/verify.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ByteSumParams>();
  for (int32_t x : {p.aZero, p.bZero, p.zero, p.low, p.high}) {
    if (!isIntegerByte(x)) return "zero points and bounds must be bytes";
  }
  if (p.low > p.high) return "the lower bound must not be above the upper one";
  if (!isDim(p.count)) return "count must be in [0, 2^40]";
  for (uint32_t i = 0; i < 3; i++) {
    if (!Size(p.count).fits(c.operandBytes[i])) return "y, a and b must hold count bytes";
  }
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ByteSumParams*>(params);
  return tilesFor(ceilDiv(p.count, 1024), 512, threads);
}

extern const Contract sum_i8_contract{"sum_i8", "wrr",  1u << 1 | 1u << 2, sizeof(ByteSumParams), false, verify,
                                      tiles,    nullptr};

}  // namespace dsnk
