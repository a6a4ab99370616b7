// Computes  y = x, then y[i0, …, index[i0, …] in place of i(axis), …] ⊕= updates[i0, …] in row-major order of i
// Shapes    y, x: dims, dense; index, updates: indexDims, dense, no larger than dims but along the axis
// Numerics  bit-equal; integers wrap around; sums of floats in the order of the updates; an index outside is a fault
// Tiling    the dimensions before the axis: updates of one such position meet no other's, so the order within it is all
//           that decides, and a tile copies what it updates. Along axis 0 there is one tile
// Packing   none
// Source    none
#include "kernels/scatter/reduction.h"

namespace dsnk {

namespace {

constexpr int32_t kRank = 8;

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ScatterElementsParams>();
  if (p.rank < 1 || p.rank > kRank) return "rank must be 1 to 8";
  if (p.axis < 0 || p.axis >= p.rank) return "axis must be one of the dimensions";
  if (!isIndexSize(p.indexBytes)) return "indices must have 4 or 8 bytes";
  if (!isReduction(p.reduction, p.type, p.elementBytes)) return "reduction and type must fit the elements";
  for (int32_t i = 0; i < 2; i++)
    if (!denseFits(p.dims, p.rank, p.elementBytes, c.operandBytes[i]))
      return "input and output must hold the dimensions";
  if (!denseFits(p.indexDims, p.rank, p.indexBytes, c.operandBytes[2])) return "indices must hold their dimensions";
  if (!denseFits(p.indexDims, p.rank, p.elementBytes, c.operandBytes[3])) return "updates must hold their dimensions";
  for (int32_t d = 0; d < p.rank; d++)
    if (d != p.axis && p.indexDims[d] > p.dims[d]) return "indices must lie inside the other dimensions";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ScatterElementsParams*>(params);
  if (product(p.dims, p.rank) == 0) return 0;
  return tilesFor(product(p.dims, p.axis), product(p.dims + p.axis, p.rank - p.axis) * p.elementBytes, threads,
                  64 * 1024);
}

// Updates of one position of the dimensions before the axis, the first of them at `first`.
template <class T, class Reduction>
Fault scatterBlock(const ScatterElementsParams& p, T* y, const ScatterIndices& indices, const T* updates, int64_t first,
                   Reduction) {
  const int32_t rank = p.rank - p.axis;
  const int64_t *dims = p.dims + p.axis, *indexDims = p.indexDims + p.axis;
  int64_t strides[kRank] = {};  // of y, the axis left to the index
  for (int32_t d = 0; d < rank; d++) strides[d] = product(dims + d + 1, rank - d - 1);
  const int64_t along = strides[0], count = product(indexDims, rank);
  strides[0] = 0;
  StridedWalk<kRank> walk(indexDims, strides, rank, 0);
  for (int64_t k = 0; k < count; k++, walk.next()) {
    const int64_t at = positionOf(indices[first + k], dims[0]);
    if (at < 0) return Fault::indexOutOfRange;
    T& to = y[walk.at + at * along];
    to = Reduction::apply(to, updates[first + k]);
  }
  return Fault::none;
}

template <class T, class Reduction>
Fault scatterRange(const ScatterElementsParams& p, Range outer, T* y, const ScatterIndices& indices, const T* updates,
                   Reduction reduction) {
  const int64_t block = product(p.dims + p.axis, p.rank - p.axis);
  const bool updated = product(p.indexDims, p.rank) > 0;
  const int64_t indexBlock = updated ? product(p.indexDims + p.axis, p.rank - p.axis) : 0;
  for (int64_t o = outer.begin; updated && o < outer.end; o++) {
    // The same position among the updates, if they have it.
    int64_t rest = o, at = 0, scale = 1;
    bool inside = true;
    for (int32_t d = p.axis - 1; d >= 0; d--) {
      const int64_t i = rest % p.dims[d];
      rest /= p.dims[d];
      inside = inside && i < p.indexDims[d];
      at += i * scale;
      scale *= p.indexDims[d];
    }
    if (!inside) continue;
    const Fault fault = scatterBlock(p, y + o * block, indices, updates, at * indexBlock, reduction);
    if (fault != Fault::none) return fault;
  }
  return Fault::none;
}

}  // namespace

extern const Contract scatter_elements_contract{
    "scatter_elements", "wrrr", 1 << 1, sizeof(ScatterElementsParams), false, verify, tiles, nullptr};

Fault scatter_elements_scalar(const Work& w) {
  const auto& p = w.as<ScatterElementsParams>();
  const Range outer = tileRange(product(p.dims, p.axis), w.tile, w.tiles);
  return scatterInto(w, p, outer, product(p.dims + p.axis, p.rank - p.axis),
                     [&](auto* y, const ScatterIndices& indices, const auto* updates, auto reduction) {
                       return scatterRange(p, outer, y, indices, updates, reduction);
                     });
}

}  // namespace dsnk
