// Computes  y[i0, …] = x[i0, …, index[i0, …] in place of i(axis), …]
// Shapes    y, index: dims, dense; x: the same rank with its own strides, dims[d] or more along every other axis
// Numerics  bit-equal; an index outside [-axisSize, axisSize) is a fault
// Tiling    ranges of elements of y
// Packing   none
// Source    none
#include "kernels/gather/indices.h"
#include "kernels/gather/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

namespace dsnk {

namespace {

constexpr int32_t kRank = 8;

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GatherElementsParams>();
  if (p.rank < 1 || p.rank > kRank) return "rank must be 1 to 8";
  if (p.axis < 0 || p.axis >= p.rank) return "axis must be one of the dimensions";
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (!isIndexSize(p.indexBytes)) return "indices must have 4 or 8 bytes";
  if (p.axisSize < 0) return "the axis must not be negative";
  if (!denseFits(p.dims, p.rank, p.elementBytes, c.operandBytes[0])) return "output must hold the dimensions";
  if (!denseFits(p.dims, p.rank, p.indexBytes, c.operandBytes[2])) return "indices must hold the dimensions";
  int64_t reached[kRank];
  for (int32_t d = 0; d < p.rank; d++) reached[d] = d != p.axis ? p.dims[d] : p.axisSize > 0 ? p.axisSize : 1;
  if (!viewFits(reached, p.strides, p.rank, 0, p.elementBytes, c.operandBytes[1]))
    return "input must hold every element that an index can name";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GatherElementsParams*>(params);
  for (int32_t d = 0; d < p.rank; d++)
    if (p.dims[d] == 0) return 0;
  return tilesFor(product(p.dims, p.rank), p.elementBytes + p.indexBytes, threads, 64 * 1024);
}

template <class T, class I>
Fault gatherRange(const GatherElementsParams& p, Range r, T* y, const T* x, const I* index) {
  int64_t strides[kRank];  // of x, the axis left to the index
  for (int32_t d = 0; d < p.rank; d++) strides[d] = d == p.axis ? 0 : p.strides[d];
  const int64_t along = p.strides[p.axis];
  StridedWalk<kRank> walk(p.dims, strides, p.rank, r.begin);
  for (int64_t k = r.begin; k < r.end; k++, walk.next()) {
    const int64_t at = positionOf(index[k], p.axisSize);
    if (at < 0) return Fault::indexOutOfRange;
    y[k] = x[walk.at + at * along];
  }
  return Fault::none;
}

}  // namespace

extern const Contract gather_elements_contract{
    "gather_elements", "wrr", 0, sizeof(GatherElementsParams), false, verify, tiles, nullptr};

Fault gather_elements_scalar(const Work& w) {
  const auto& p = w.as<GatherElementsParams>();
  const Range r = tileRange(product(p.dims, p.rank), w.tile, w.tiles);
  if (r.begin >= r.end) return Fault::none;
  Fault fault = Fault::none;
  withElementType(p.elementBytes, [&](auto t) {
    using T = decltype(t);
    fault = withIndexType(p.indexBytes, [&](auto i) {
      using I = decltype(i);
      return gatherRange(p, r, w.at<T>(0), w.at<const T>(1), w.at<const I>(2));
    });
  });
  return fault;
}

}  // namespace dsnk
