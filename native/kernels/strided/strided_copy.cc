// Computes  y[i0, i1, …] = x[offset + i0·s0 + i1·s1 + …]: transposes, slices, broadcasts, reversals, block shuffles
// Shapes    y: dims, dense; x: any memory that the view stays inside. Elements of 1, 2, 4, 8 or 16 bytes
// Numerics  bit-equal
// Tiling    rows that are contiguous in x are copied, rows of stride 0 filled. Where another dimension is contiguous in
//           x, the plane of the two is transposed in blocks of about 4096 elements (64x64 of 4 bytes: 16 KB read and
//           16 KB written stay in a 32 KB L1; larger blocks lose the partly used lines of x)
// Packing   none
// Source    none
#include "kernels/strided/strided_copy.h"

#include <cstring>

#include "kernels/strided/params.gen.h"

namespace dsnk {

namespace {

constexpr int32_t kRank = 12;
constexpr int64_t kBlock = 64;
constexpr int64_t kBlockElements = kBlock * kBlock;

enum class Path { rows, fill, plane, elements };

// How the view is walked: in units that are pieces of innermost rows, or blocks of a transposed plane.
struct Plan {
  Path path;
  int32_t turned;         // plane: the dimension that is contiguous in x
  int64_t piece, pieces;  // of the innermost dimension: elements per unit, units
  int64_t block, blocks;  // of dimension `turned`
  int64_t units;
};

Plan planOf(const StridedCopyParams& p) {
  const int32_t last = p.rank - 1;
  const int64_t n = p.dims[last], outer = product(p.dims, last);
  Plan plan{Path::elements, -1, 0, 0, 1, 1, 0};
  if (n == 0 || outer == 0) return plan;
  if (p.strides[last] == 1 || n == 1)
    plan.path = Path::rows;
  else if (p.strides[last] == 0)
    plan.path = Path::fill;
  else
    for (int32_t d = 0; d < last; d++)
      if (p.strides[d] == 1 && p.dims[d] > 1) plan.path = Path::plane, plan.turned = d;
  if (plan.path == Path::plane) {
    const int64_t m = p.dims[plan.turned];
    // A thin plane gets longer blocks, so that a unit stays worth its division.
    plan.block = n < kBlock ? roundUp(kBlockElements / n, kBlock) : kBlock;
    plan.piece = m < kBlock ? roundUp(kBlockElements / m, kBlock) : kBlock;
    plan.blocks = ceilDiv(m, plan.block);
    plan.pieces = ceilDiv(n, plan.piece);
    plan.units = outer / m * plan.blocks * plan.pieces;
  } else {
    plan.piece = 32768 / p.elementBytes;
    plan.pieces = ceilDiv(n, plan.piece);
    plan.units = outer * plan.pieces;
  }
  return plan;
}

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<StridedCopyParams>();
  if (p.rank < 1 || p.rank > kRank) return "rank must be 1 to 12";
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (p.offset < 0) return "offset must not be negative";
  if (!denseFits(p.dims, p.rank, p.elementBytes, c.operandBytes[0])) return "output must hold the dimensions";
  if (!viewFits(p.dims, p.strides, p.rank, p.offset, p.elementBytes, c.operandBytes[1]))
    return "input must hold every element of the view";
  return nullptr;
}

bool isEmpty(const StridedCopyParams& p) {
  for (int32_t d = 0; d < p.rank; d++)
    if (p.dims[d] == 0) return true;
  return false;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const StridedCopyParams*>(params);
  if (isEmpty(p)) return 0;
  const Plan plan = planOf(p);
  const int64_t bytes = product(p.dims, p.rank) * p.elementBytes;
  return tilesFor(plan.units, bytes / plan.units, threads, 128 * 1024);
}

template <class T>
void copyRows(const StridedCopyParams& p, const Plan& plan, Range units, T* y, const T* x) {
  const int32_t last = p.rank - 1;
  const int64_t n = p.dims[last], stride = p.strides[last];
  StridedWalk<kRank> outer(p.dims, p.strides, last, units.begin / plan.pieces);
  int64_t row = units.begin / plan.pieces, piece = units.begin % plan.pieces;
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t from = piece * plan.piece, left = n - from;
    const int64_t count = left < plan.piece ? left : plan.piece;
    T* to = y + row * n + from;
    const T* source = x + outer.at + from * stride;
    if (plan.path == Path::rows) {
      if (count <= 4)  // a call to memcpy would cost more than the row
        for (int64_t j = 0; j < count; j++) to[j] = source[j];
      else
        std::memcpy(to, source, static_cast<size_t>(count) * sizeof(T));
    } else if (plan.path == Path::fill) {
      const T value = *source;
      for (int64_t j = 0; j < count; j++) to[j] = value;
    } else {
      for (int64_t j = 0; j < count; j++) to[j] = source[j * stride];
    }
    if (++piece == plan.pieces) {
      piece = 0;
      row++;
      if (u + 1 < units.end) outer.next();
    }
  }
}

template <class T>
void copyPlanes(const StridedCopyParams& p, const Plan& plan, Range units, T* y, const T* x, TransposeBlock<T> block) {
  const int32_t last = p.rank - 1, turned = plan.turned;
  const int64_t n = p.dims[last], m = p.dims[turned], xs = p.strides[last];
  // The dimensions around the plane, with their strides in x and in y.
  int64_t dims[kRank], inX[kRank], inY[kRank], ys = 1;
  int32_t rank = 0;
  for (int32_t d = 0; d < last; d++) {
    if (d == turned) {
      ys = product(p.dims + d + 1, p.rank - d - 1);
      continue;
    }
    dims[rank] = p.dims[d];
    inX[rank] = p.strides[d];
    inY[rank++] = product(p.dims + d + 1, p.rank - d - 1);
  }
  const int64_t perPlane = plan.blocks * plan.pieces;
  StridedWalk<kRank> atX(dims, inX, rank, units.begin / perPlane), atY(dims, inY, rank, units.begin / perPlane);
  int64_t within = units.begin % perPlane;
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t i = within / plan.pieces * plan.block, j = within % plan.pieces * plan.piece;
    const int64_t rows = m - i < plan.block ? m - i : plan.block, columns = n - j < plan.piece ? n - j : plan.piece;
    block(x + atX.at + i + j * xs, xs, y + atY.at + i * ys + j, ys, rows, columns);
    if (++within == perPlane && u + 1 < units.end) {
      within = 0;
      atX.next();
      atY.next();
    }
  }
}

template <class T>
void copyView(const Work& w, TransposeBlock<T> block) {
  const auto& p = w.as<StridedCopyParams>();
  const Plan plan = planOf(p);
  const Range units = tileRange(plan.units, w.tile, w.tiles);
  if (units.begin >= units.end) return;
  const T* x = w.at<const T>(1) + p.offset;
  if (plan.path == Path::plane)
    copyPlanes<T>(p, plan, units, w.at<T>(0), x, block);
  else
    copyRows<T>(p, plan, units, w.at<T>(0), x);
}

}  // namespace

extern const Contract strided_copy_contract{"strided_copy", "wr",   0,     sizeof(StridedCopyParams),
                                            false,          verify, tiles, nullptr};

const TransposeBlocks kPlainBlocks{transposeBlockPlain<uint8_t>, transposeBlockPlain<uint16_t>,
                                   transposeBlockPlain<uint32_t>, transposeBlockPlain<uint64_t>,
                                   transposeBlockPlain<Bytes16>};

Fault stridedCopy(const Work& w, const TransposeBlocks& blocks) {
  switch (w.as<StridedCopyParams>().elementBytes) {
    case 1: copyView(w, blocks.bytes1); break;
    case 2: copyView(w, blocks.bytes2); break;
    case 4: copyView(w, blocks.bytes4); break;
    case 8: copyView(w, blocks.bytes8); break;
    default: copyView(w, blocks.bytes16); break;
  }
  return Fault::none;
}

Fault strided_copy_scalar(const Work& w) { return stridedCopy(w, kPlainBlocks); }

}  // namespace dsnk
