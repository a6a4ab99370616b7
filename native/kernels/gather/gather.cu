// Computes  gather, gather_elements and gather_nd: see their .cc files
// Shapes    as there
// Numerics  bit-equal; an index outside is a fault
// Tiling    blocks in pieces of up to 16 bytes, a thread a piece; elements a thread each
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/gather/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, gather, GatherParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  copyBlocks(
      params.outer * params.count, params.blockBytes, bitsOf(x, y),
      [&](int64_t k) { return y + k * params.blockBytes; },
      [&](int64_t k) -> const std::byte* {
        const Quotient at = divide(k, params.count);
        const int64_t i = positionOf(work.operand[2], at.rest, params.indexBytes, params.axis);
        if (i < 0) return fault(work, Fault::indexOutOfRange), nullptr;
        return x + (at.whole * params.axis + i) * params.blockBytes;
      });
}

DSNK_ENTRY(256, 0, gather_nd, GatherNdParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  int64_t indexed = 1;
  for (int32_t d = 0; d < params.depth; d++) indexed *= params.dims[d];
  copyBlocks(
      params.outer * params.count, params.blockBytes, bitsOf(x, y),
      [&](int64_t k) { return y + k * params.blockBytes; },
      [&](int64_t k) -> const std::byte* {
        int64_t at = 0;
        for (int32_t d = 0; d < params.depth; d++) {
          const int64_t i = positionOf(work.operand[2], k * params.depth + d, params.indexBytes, params.dims[d]);
          if (i < 0) return fault(work, Fault::indexOutOfRange), nullptr;
          at = at * params.dims[d] + i;
        }
        return x + (divide(k, params.count).whole * indexed + at) * params.blockBytes;
      });
}

DSNK_ENTRY(256, 0, gather_elements, GatherElementsParams) {
  int64_t count = 1;
  for (int32_t d = 0; d < params.rank; d++) count *= params.dims[d];
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    for (int64_t k = firstIndex(); k < count; k += indexStep()) {
      const int64_t i = positionOf(work.operand[2], k, params.indexBytes, params.axisSize);
      if (i < 0) {
        fault(work, Fault::indexOutOfRange);
        continue;
      }
      int64_t rest = k, from = i * params.strides[params.axis];
      for (int32_t d = params.rank - 1; d >= 0; d--) {
        const Quotient at = divide(rest, params.dims[d]);
        rest = at.whole;
        if (d != params.axis) from += at.rest * params.strides[d];
      }
      work.at<T>(0)[k] = work.at<const T>(1)[from];
    }
  });
}

}  // namespace dsnk
