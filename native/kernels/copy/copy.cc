// Computes  y[i] = x[i] for every byte
// Shapes    y: bytes; x: bytes, contiguous both
// Numerics  bit-equal
// Tiling    at least 256 KB a tile: below that one core saturates its share of the bandwidth before a second one wakes
// Packing   none
// Source    none
#include <cstring>

#include "kernels/copy/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<CopyParams>();
  if (!Size(p.bytes).fits(c.operandBytes[0])) return "output must hold `bytes`";
  if (!Size(p.bytes).fits(c.operandBytes[1])) return "input must hold `bytes`";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  return tilesFor(static_cast<const CopyParams*>(params)->bytes, 1, threads, 256 * 1024);
}

extern const Contract copy_contract{"copy", "wr", 0, sizeof(CopyParams), false, verify, tiles, nullptr};

Fault copy_scalar(const Work& w) {
  const Range r = tileRange(w.as<CopyParams>().bytes, w.tile, w.tiles, 64);
  std::memcpy(w.at<std::byte>(0) + r.begin, w.at<std::byte>(1) + r.begin, static_cast<size_t>(r.end - r.begin));
  return Fault::none;
}

}  // namespace dsnk
