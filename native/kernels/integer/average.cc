// The contract of average pooling of bytes. The formula stands in average.inl.
#include "kernels/integer/verify.h"
#include "kernels/pool/pool.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<BytePoolParams>();
  if ((p.padded | 1) != 1) return "flags must be 0 or 1";
  for (int32_t x : {p.xZero, p.zero, p.low, p.high}) {
    if (!isIntegerByte(x)) return "zero points and bounds must be bytes";
  }
  if (p.low > p.high) return "the lower bound must not be above the upper one";
  return verifyPool(p, c, 1, 1);
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const BytePoolParams*>(params);
  if (p.outSize[2] == 0) return 0;
  const int64_t rows = int64_t{p.batch} * p.outSize[0] * p.outSize[1];
  return tilesFor(rows * ceilDiv(p.channels, kPoolChannels), p.outSize[2] * (tapsOfPool(p) + 4) * kPoolChannels / 16,
                  threads);
}

extern const Contract pool_average_i8_contract{
    "pool_average_i8", "wr", 0, sizeof(BytePoolParams), false, verify, tiles, nullptr};

}  // namespace dsnk
