// Computes  y[b, i, :] = x[b, index[b, i, 0], index[b, i, 1], …, :]
// Shapes    y: outer x count blocks; x: outer x dims blocks; index: outer x count x depth. A block is blockBytes
// Numerics  bit-equal; an index outside its dimension is a fault
// Tiling    ranges of blocks (b, i)
// Packing   none
// Source    none
#include <cstring>

#include "kernels/gather/indices.h"
#include "kernels/gather/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GatherNdParams>();
  if (!isIndexSize(p.indexBytes)) return "indices must have 4 or 8 bytes";
  if (p.depth < 1 || p.depth > 8) return "depth must be 1 to 8";
  Size indexed(1);
  for (int32_t d = 0; d < p.depth; d++) {
    if (p.dims[d] < 0) return "dimensions must not be negative";
    indexed = indexed * Size(p.dims[d]);
  }
  const Size outer(p.outer), count(p.count), block(p.blockBytes);
  if (outer.bad() || count.bad() || block.bad() || block.value() == 0)
    return "dimensions must not be negative and blocks not empty";
  if (!(outer * count * block).fits(c.operandBytes[0])) return "output must hold outer x count blocks";
  if (!(outer * indexed * block).fits(c.operandBytes[1])) return "input must hold outer x dims blocks";
  if (!(outer * count * Size(p.depth) * Size(p.indexBytes)).fits(c.operandBytes[2]))
    return "indices must hold outer x count x depth";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GatherNdParams*>(params);
  return tilesFor(p.outer * p.count, p.blockBytes + p.depth * p.indexBytes, threads, 64 * 1024);
}

template <class I>
Fault gatherRange(const GatherNdParams& p, Range r, std::byte* y, const std::byte* x, const I* index) {
  int64_t blocks = 1;
  for (int32_t d = 0; d < p.depth; d++) blocks *= p.dims[d];
  int64_t batch = r.begin / p.count, i = r.begin % p.count;
  for (int64_t k = r.begin; k < r.end; k++) {
    int64_t at = 0;
    for (int32_t d = 0; d < p.depth; d++) {
      const int64_t position = positionOf(index[k * p.depth + d], p.dims[d]);
      if (position < 0) return Fault::indexOutOfRange;
      at = at * p.dims[d] + position;
    }
    std::memcpy(y + k * p.blockBytes, x + (batch * blocks + at) * p.blockBytes, static_cast<size_t>(p.blockBytes));
    if (++i == p.count) i = 0, batch++;
  }
  return Fault::none;
}

}  // namespace

extern const Contract gather_nd_contract{"gather_nd", "wrr", 0, sizeof(GatherNdParams), false, verify, tiles, nullptr};

Fault gather_nd_scalar(const Work& w) {
  const auto& p = w.as<GatherNdParams>();
  const Range r = tileRange(p.outer * p.count, w.tile, w.tiles);
  return withIndexType(p.indexBytes, [&](auto i) {
    using I = decltype(i);
    return gatherRange(p, r, w.at<std::byte>(0), w.at<const std::byte>(1), w.at<const I>(2));
  });
}

}  // namespace dsnk
