// Computes  scatter_elements, scatter_nd and tensor_scatter: y = x, then updates in their order; spread_rows: rows of blocks
//           that have room behind them. See their .cc files
// Shapes    as there
// Numerics  as there, bit-equal: updates of one element are applied in order
// Tiling    a launch copies x where y does not lie on it. scatter_elements: a thread takes all updates of one line along the
//           axis, for no others meet them. scatter_nd that replaces: the last update of every block is found by an atomic
//           maximum over their numbers, then only those are written. One that combines: a thread owns some blocks (by their
//           number modulo `groups`) at one place inside them, reads all indices and takes its own in order
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/scatter/combine.h"

namespace dsnk {

// Calls visit(T{}) with the type that updates are combined in: any of their size where they replace.
template <class P, class Visit>
__device__ __forceinline__ void withUpdateType(const P& p, Visit visit) {
  if (static_cast<ScatterReduction>(p.reduction) == ScatterReduction::none)
    return withElementType(p.elementBytes, visit);
  withScatterType(p.type, visit);
}

__device__ __forceinline__ Bytes16 combined(ScatterReduction, Bytes16, Bytes16 b) { return b; }
template <class T>
__device__ __forceinline__ T combined(ScatterReduction reduction, T a, T b) {
  switch (reduction) {
    case ScatterReduction::add: return Add::apply(a, b);
    case ScatterReduction::mul: return Multiply::apply(a, b);
    case ScatterReduction::max: return Largest::apply(a, b);
    case ScatterReduction::min: return Smallest::apply(a, b);
    default: return b;
  }
}

// number[0]: bytes.
DSNK_ENTRY(256, 0, scatter_copy, ScatterNdParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  if (x != y) copyBlocks(1, work.number[0], bitsOf(x, y), [&](int64_t) { return y; }, [&](int64_t) { return x; });
}

DSNK_ENTRY(256, 0, scatter_lines, ScatterElementsParams) {
  int64_t lines = 1, step = 1;  // step: between updates along the axis
  for (int32_t d = 0; d < params.rank; d++) {
    if (d != params.axis) lines *= params.indexDims[d];
    if (d > params.axis) step *= params.indexDims[d];
  }
  const auto reduction = static_cast<ScatterReduction>(params.reduction);
  withUpdateType(params, [&](auto t) {
    using T = decltype(t);
    for (int64_t line = firstIndex(); line < lines; line += indexStep()) {
      int64_t rest = line, from = 0, to = 0, fromStep = 1, toStep = 1, along = 1;
      for (int32_t d = params.rank - 1; d >= 0; d--) {
        if (d == params.axis) {
          along = toStep;
        } else {
          const Quotient at = divide(rest, params.indexDims[d]);
          rest = at.whole;
          from += at.rest * fromStep;
          to += at.rest * toStep;
        }
        fromStep *= params.indexDims[d];
        toStep *= params.dims[d];
      }
      for (int64_t i = 0; i < params.indexDims[params.axis]; i++, from += step) {
        const int64_t at = positionOf(work.operand[2], from, params.indexBytes, params.dims[params.axis]);
        if (at < 0) {
          fault(work, Fault::indexOutOfRange);
          break;
        }
        T& y = work.at<T>(0)[to + at * along];
        y = combined(reduction, y, work.at<const T>(3)[from]);
      }
    }
  });
}

// The block of y that update i names; -1 and a fault when it lies outside.
__device__ __forceinline__ int64_t blockOf(const GpuWork& work, const ScatterNdParams& p, int64_t i) {
  int64_t at = 0;
  for (int32_t d = 0; d < p.depth; d++) {
    const int64_t position = positionOf(work.operand[2], i * p.depth + d, p.indexBytes, p.dims[d]);
    if (position < 0) return fault(work, Fault::indexOutOfRange), -1;
    at = at * p.dims[d] + position;
  }
  return at;
}

// number[0]: blocks of y. Scratch: for each the number of its last update.
DSNK_ENTRY(256, 0, scatter_clear, ScatterNdParams) {
  int32_t* const last = reinterpret_cast<int32_t*>(work.scratch);
  for (int64_t i = firstIndex(); i < work.number[0]; i += indexStep()) last[i] = -1;
}
DSNK_ENTRY(256, 0, scatter_order, ScatterNdParams) {
  int32_t* const last = reinterpret_cast<int32_t*>(work.scratch);
  for (int64_t i = firstIndex(); i < params.count; i += indexStep()) {
    const int64_t at = blockOf(work, params, i);
    if (at >= 0) atomic_max(last + at, static_cast<int32_t>(i));
  }
}
DSNK_ENTRY(256, 0, scatter_last, ScatterNdParams) {
  const int32_t* const last = reinterpret_cast<const int32_t*>(work.scratch);
  const int64_t bytes = params.block * params.elementBytes;
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const updates = work.at<std::byte>(3);
  copyBlocks(
      params.count, bytes, bitsOf(y, updates),
      [&](int64_t i) -> std::byte* {
        const int64_t at = blockOf(work, params, i);
        return at >= 0 && last[at] == static_cast<int32_t>(i) ? y + at * bytes : nullptr;
      },
      [&](int64_t i) { return updates + i * bytes; });
}

// number[0]: groups.
DSNK_ENTRY(256, 0, scatter_combine, ScatterNdParams) {
  const int64_t groups = work.number[0];
  const auto reduction = static_cast<ScatterReduction>(params.reduction);
  withUpdateType(params, [&](auto t) {
    using T = decltype(t);
    for (int64_t k = firstIndex(); k < groups * params.block; k += indexStep()) {
      const Quotient group = divide(k, params.block);
      for (int64_t i = 0; i < params.count; i++) {
        const int64_t at = blockOf(work, params, i);
        if (at < 0) break;
        if (divide(at, groups).rest != group.whole) continue;
        T& y = work.at<T>(0)[at * params.block + group.rest];
        y = combined(reduction, y, work.at<const T>(3)[i * params.block + group.rest]);
      }
    }
  });
}

DSNK_ENTRY(256, 0, scatter_tensor, TensorScatterParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const updates = work.at<std::byte>(2);
  copyBlocks(
      params.outer * params.count, params.blockBytes, bitsOf(y, updates),
      [&](int64_t k) -> std::byte* {
        const Quotient o = divide(k, params.count);
        const int64_t at =
            params.hasPositions != 0 ? work.at<const int64_t>(3)[divide(o.whole, params.perBatch).whole] : 0;
        if (at < 0 || at > params.axis || (at > params.axis - params.count && params.circular == 0))
          return fault(work, Fault::indexOutOfRange), nullptr;
        const int64_t i = at + o.rest;
        return y + (o.whole * params.axis + (i < params.axis ? i : i - params.axis)) * params.blockBytes;
      },
      [&](int64_t k) { return updates + k * params.blockBytes; });
}

template <class T>
__device__ __forceinline__ void spreadRows(const GpuWork& work, const SpreadRowsParams& p, int64_t count) {
  const int64_t rowPieces = p.rowBytes / static_cast<int64_t>(sizeof(T)), whole = p.capacity * rowPieces;
  const int64_t part = (count + p.extra) * rowPieces;
  T* const y = work.at<T>(0);
  const T* const x = work.at<const T>(1);
  for (int64_t i = firstIndex(); i < p.outer * (p.dense != 0 ? part : whole); i += indexStep()) {
    const Quotient at = divide(i, p.dense != 0 ? part : whole);
    y[i] = at.rest < part ? x[at.whole * (p.dense != 0 ? whole : part) + at.rest] : T{};
  }
}
DSNK_ENTRY(256, 0, scatter_spread, SpreadRowsParams) {
  const int64_t count = work.at<const int64_t>(2)[0];
  if (count < 0 || count > params.capacity - params.extra) return fault(work, Fault::indexOutOfRange);
  const uint64_t places = bitsOf(work.operand[0], work.operand[1]) | static_cast<uint64_t>(params.rowBytes);
  if ((places & 15) == 0) return spreadRows<u32x4>(work, params, count);
  if ((places & 3) == 0) return spreadRows<uint32_t>(work, params, count);
  spreadRows<uint8_t>(work, params, count);
}

}  // namespace dsnk
