// Computes  y = the 16 bytes of `pattern` over and over
// Shapes    y: bytes
// Numerics  bit-equal
// Tiling    at least 256 KB a tile, as copy; cut at multiples of 64 bytes, so that every tile starts with the pattern
// Packing   none
// Source    none
#include <cstring>

#include "kernels/fill/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  return Size(c.as<FillParams>().bytes).fits(c.operandBytes[0]) ? nullptr : "output must hold `bytes`";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  return tilesFor(static_cast<const FillParams*>(params)->bytes, 1, threads, 256 * 1024);
}

extern const Contract fill_contract{"fill", "w", 0, sizeof(FillParams), false, verify, tiles, nullptr};

Fault fill_scalar(const Work& w) {
  const auto& p = w.as<FillParams>();
  const Range r = tileRange(p.bytes, w.tile, w.tiles, 64);
  std::byte* y = w.at<std::byte>(0);
  int64_t i = r.begin;
  for (; i + 16 <= r.end; i += 16) std::memcpy(y + i, p.pattern, 16);
  std::memcpy(y + i, p.pattern, static_cast<size_t>(r.end - i));
  return Fault::none;
}

}  // namespace dsnk
