// Computes  y = x, then y[index[i, 0], index[i, 1], …, :] ⊕= updates[i, :] in the order of i
// Shapes    y, x: dims blocks; index: count x depth; updates: count blocks
// Numerics  bit-equal; integers wrap around; sums of floats in the order of the updates; an index outside is a fault
// Tiling    ranges of blocks of y: every tile reads all indices and takes the updates that fall into its range, so that
//           updates of one block stay in order whatever the number of tiles
// Packing   none
// Source    none
#include "kernels/scatter/reduction.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ScatterNdParams>();
  if (p.depth < 1 || p.depth > 8) return "depth must be 1 to 8";
  if (!isIndexSize(p.indexBytes)) return "indices must have 4 or 8 bytes";
  if (!isReduction(p.reduction, p.type, p.elementBytes)) return "reduction and type must fit the elements";
  Size blocks(1);
  for (int32_t d = 0; d < p.depth; d++) {
    if (p.dims[d] < 0) return "dimensions must not be negative";
    blocks = blocks * Size(p.dims[d]);
  }
  const Size count(p.count), block(p.block), bytes(p.elementBytes);
  if (count.bad() || block.bad() || block.value() == 0) return "counts must not be negative and blocks not empty";
  for (int32_t i = 0; i < 2; i++)
    if (!(blocks * block * bytes).fits(c.operandBytes[i])) return "input and output must hold the dimensions";
  if (!(count * Size(p.depth) * Size(p.indexBytes)).fits(c.operandBytes[2])) return "indices must hold count x depth";
  if (!(count * block * bytes).fits(c.operandBytes[3])) return "updates must hold count blocks";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ScatterNdParams*>(params);
  return tilesFor(product(p.dims, p.depth), p.block * p.elementBytes, threads, 128 * 1024);
}

template <class T, class Reduction>
Fault scatterRange(const ScatterNdParams& p, Range blocks, T* y, const ScatterIndices& indices, const T* updates,
                   Reduction) {
  for (int64_t i = 0; i < p.count; i++) {
    int64_t at = 0;
    for (int32_t d = 0; d < p.depth; d++) {
      const int64_t position = positionOf(indices[i * p.depth + d], p.dims[d]);
      if (position < 0) return Fault::indexOutOfRange;
      at = at * p.dims[d] + position;
    }
    if (at < blocks.begin || at >= blocks.end) continue;
    T* to = y + at * p.block;
    const T* from = updates + i * p.block;
    for (int64_t j = 0; j < p.block; j++) to[j] = Reduction::apply(to[j], from[j]);
  }
  return Fault::none;
}

}  // namespace

extern const Contract scatter_nd_contract{"scatter_nd", "wrrr", 1 << 1, sizeof(ScatterNdParams),
                                          false,        verify, tiles,  nullptr};

Fault scatter_nd_scalar(const Work& w) {
  const auto& p = w.as<ScatterNdParams>();
  const Range blocks = tileRange(product(p.dims, p.depth), w.tile, w.tiles);
  return scatterInto(w, p, blocks, p.block,
                     [&](auto* y, const ScatterIndices& indices, const auto* updates, auto reduction) {
                       return scatterRange(p, blocks, y, indices, updates, reduction);
                     });
}

}  // namespace dsnk
