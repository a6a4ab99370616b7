// Computes  y[o, i, :] = x[o, index[i], :]
// Shapes    y: outer x count blocks; x: outer x axis blocks; index: count, int32 or int64. A block is blockBytes
// Numerics  bit-equal; an index outside [-axis, axis) is a fault
// Tiling    ranges of blocks (o, i); blocks of 1, 2, 4, 8 and 16 bytes have loops of their own, because a call to
//           memcpy would cost more than they do
// Packing   none
// Source    none
#include <cstring>

#include "kernels/gather/indices.h"
#include "kernels/gather/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GatherParams>();
  if (!isIndexSize(p.indexBytes)) return "indices must have 4 or 8 bytes";
  const Size outer(p.outer), count(p.count), block(p.blockBytes), axis(p.axis);
  if (outer.bad() || count.bad() || block.bad() || axis.bad() || block.value() == 0)
    return "dimensions must not be negative and blocks not empty";
  if (!(outer * count * block).fits(c.operandBytes[0])) return "output must hold outer x count blocks";
  if (!(outer * axis * block).fits(c.operandBytes[1])) return "input must hold outer x axis blocks";
  if (!(count * Size(p.indexBytes)).fits(c.operandBytes[2])) return "indices must hold count";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GatherParams*>(params);
  return p.outer == 0 ? 0 : tilesFor(p.outer * p.count, p.blockBytes + 8, threads, 64 * 1024);
}

template <class I>
Fault gatherBlocks(const GatherParams& p, Range r, std::byte* y, const std::byte* x, const I* index) {
  const auto bytes = static_cast<size_t>(p.blockBytes);
  int64_t o = r.begin / p.count, i = r.begin % p.count;
  for (int64_t k = r.begin; k < r.end; k++) {
    const int64_t at = positionOf(index[i], p.axis);
    if (at < 0) return Fault::indexOutOfRange;
    std::memcpy(y + k * p.blockBytes, x + (o * p.axis + at) * p.blockBytes, bytes);
    if (++i == p.count) i = 0, o++;
  }
  return Fault::none;
}

template <class T, class I>
Fault gatherElements(const GatherParams& p, Range r, T* y, const T* x, const I* index) {
  int64_t o = r.begin / p.count, i = r.begin % p.count;
  for (int64_t k = r.begin; k < r.end; k++) {
    const int64_t at = positionOf(index[i], p.axis);
    if (at < 0) return Fault::indexOutOfRange;
    y[k] = x[o * p.axis + at];
    if (++i == p.count) i = 0, o++;
  }
  return Fault::none;
}

}  // namespace

extern const Contract gather_contract{"gather", "wrr", 0, sizeof(GatherParams), false, verify, tiles, nullptr};

Fault gather_scalar(const Work& w) {
  const auto& p = w.as<GatherParams>();
  const Range r = tileRange(p.outer * p.count, w.tile, w.tiles);
  return withIndexType(p.indexBytes, [&](auto i) {
    using I = decltype(i);
    const I* index = w.at<const I>(2);
    switch (p.blockBytes) {
      case 1: return gatherElements(p, r, w.at<uint8_t>(0), w.at<const uint8_t>(1), index);
      case 2: return gatherElements(p, r, w.at<uint16_t>(0), w.at<const uint16_t>(1), index);
      case 4: return gatherElements(p, r, w.at<uint32_t>(0), w.at<const uint32_t>(1), index);
      case 8: return gatherElements(p, r, w.at<uint64_t>(0), w.at<const uint64_t>(1), index);
      case 16: return gatherElements(p, r, w.at<Bytes16>(0), w.at<const Bytes16>(1), index);
      default: return gatherBlocks(p, r, w.at<std::byte>(0), w.at<const std::byte>(1), index);
    }
  });
}

}  // namespace dsnk
