// Computes  y = x, then y[o, (at[b] + i) mod axis, :] = updates[o, i, :] with b = o / perBatch; a key-value cache
//           append
// Shapes    y, x: outer x axis blocks; updates: outer x count blocks; at: outer / perBatch, int64, or left out (zero)
// Numerics  bit-equal; a position outside [0, axis), or an update that leaves the axis and may not wrap, is a fault
// Tiling    ranges of o. Where y lies on x nothing but the updates is moved
// Packing   none
// Source    none
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/scatter/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<TensorScatterParams>();
  const Size outer(p.outer), axis(p.axis), count(p.count), block(p.blockBytes);
  if (outer.bad() || axis.bad() || count.bad() || block.bad() || block.value() == 0)
    return "dimensions must not be negative and blocks not empty";
  if (p.count > p.axis) return "updates must not be longer than the axis";
  if (p.perBatch < 1) return "a batch must not be empty";
  for (int32_t i = 0; i < 2; i++)
    if (!(outer * axis * block).fits(c.operandBytes[i])) return "input and output must hold outer x axis blocks";
  if (!(outer * count * block).fits(c.operandBytes[2])) return "updates must hold outer x count blocks";
  if (p.hasPositions != 0 &&
      !(Size(p.outer == 0 ? 0 : (p.outer - 1) / p.perBatch + 1) * Size(8)).fits(c.operandBytes[3]))
    return "positions must hold one per batch";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const TensorScatterParams*>(params);
  return p.axis == 0 ? 0 : tilesFor(p.outer, p.axis * p.blockBytes, threads, 64 * 1024);
}

}  // namespace

extern const Contract tensor_scatter_contract{"tensor_scatter", "wrro", 1 << 1, sizeof(TensorScatterParams), false,
                                              verify,           tiles,  nullptr};

Fault tensor_scatter_scalar(const Work& w) {
  const auto& p = w.as<TensorScatterParams>();
  const Range range = tileRange(p.outer, w.tile, w.tiles);
  std::byte* y = w.at<std::byte>(0);
  const std::byte *x = w.at<const std::byte>(1), *updates = w.at<const std::byte>(2);
  const int64_t rowBytes = p.axis * p.blockBytes;
  if (y != x)
    std::memcpy(y + range.begin * rowBytes, x + range.begin * rowBytes,
                static_cast<size_t>((range.end - range.begin) * rowBytes));
  for (int64_t o = range.begin; o < range.end; o++) {
    const int64_t at = p.hasPositions != 0 ? w.at<const int64_t>(3)[o / p.perBatch] : 0;
    if (at < 0 || at > p.axis || (at > p.axis - p.count && p.circular == 0)) return Fault::indexOutOfRange;
    // Up to the end of the axis, then from its start.
    const int64_t first = p.count < p.axis - at ? p.count : p.axis - at;
    const std::byte* from = updates + o * p.count * p.blockBytes;
    std::memcpy(y + o * rowBytes + at * p.blockBytes, from, static_cast<size_t>(first * p.blockBytes));
    std::memcpy(y + o * rowBytes, from + first * p.blockBytes, static_cast<size_t>((p.count - first) * p.blockBytes));
  }
  return Fault::none;
}

}  // namespace dsnk
