// How one product is cut into tiles, the walk over its flattened batch, and what the contracts of both kernels check.
#pragma once
#include <initializer_list>

#include "kernels/epilogue/params.gen.h"
#include "kernels/gemm/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int kGemmBatchDims = 4;

// Tiles along the flattened batch, along m and along n.
struct GemmGrid {
  int64_t batch, m, n;
};

template <class P>
inline int64_t gemmBatch(const P& p) {
  return p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3];
}

// Rows of one unit of m: every ISA's tile height divides into it roughly. Units bound how many tiles there are; the
// rows of a matrix are cut evenly, wherever that is, as short tiles of registers cost little and unequal tiles a lot.
constexpr int64_t kGemmUnitRows = 14;

// The grid of exactly `tiles` tiles that reads least: whole matrices first, then the split of m and n with the
// smallest sum of sides. batch = 0 where that many tiles cannot be made.
inline GemmGrid gemmGrid(const GemmParams& p, int64_t tiles, int64_t mUnits, int64_t nUnits) {
  GemmGrid best{0, 1, 1};
  double bestCost = 0;
  for (int64_t gb = 1; gb <= tiles; gb++) {
    if (tiles % gb != 0 || gb > gemmBatch(p)) continue;
    const int64_t rest = tiles / gb;
    for (int64_t gm = 1; gm <= rest; gm++) {
      const int64_t gn = rest / gm;
      if (rest % gm != 0 || gm > mUnits || gn > nUnits) continue;
      // What the busiest tile does, and what it reads for that.
      const double products = static_cast<double>(ceilDiv(gemmBatch(p), gb));
      const double rows = static_cast<double>(ceilDiv(p.m, gm)) / kGemmUnitRows;
      const auto panels = static_cast<double>(ceilDiv(nUnits, gn));
      const double cost = products * (rows * panels + 0.05 * (rows + panels));
      if (best.batch == 0 || cost < bestCost) {
        best = {gb, gm, gn};
        bestCost = cost;
      }
    }
  }
  return best;
}

// Offset of matrix `i` of the flattened batch.
template <class P>
inline int64_t gemmOffset(const P& p, const int64_t* stride, int64_t i) {
  int64_t offset = 0;
  for (int d = kGemmBatchDims - 1; d >= 0; d--) {
    offset += i % p.batch[d] * stride[d];
    i /= p.batch[d];
  }
  return offset;
}

// Elements reached from the first one: every batch dimension and row at its last index, then one row.
template <class P>
inline Size gemmReach(const P& p, const int64_t* stride, int64_t rows, int64_t rowStride, int64_t columns) {
  Size last = Size(rows - 1) * Size(rowStride) + Size(columns);
  for (int d = 0; d < kGemmBatchDims; d++) last = last + Size(p.batch[d] - 1) * Size(stride[d]);
  return last;
}

// What must hold of y, bias and residual (operands 0, 3, 4) and of every number; `empty` is set where y has no element.
template <class P>
inline const char* gemmVerifyOutput(const P& p, const Check& c, bool& empty) {
  Size batch(1);
  for (int64_t b : p.batch) batch = batch * Size(b);
  if (p.m < 0 || p.n < 0 || p.k < 0 || batch.bad()) return "dimensions must not be negative or overflow";
  for (int64_t stride : {p.lda, p.ldc, p.residualRow, p.biasRow}) {
    if (!isStride(stride)) return "row strides must be in [0, 2^48]";
  }
  for (int d = 0; d < kGemmBatchDims; d++) {
    for (int64_t stride : {p.strideA[d], p.strideB[d], p.strideC[d], p.strideResidual[d]}) {
      if (!isStride(stride)) return "batch strides must be in [0, 2^48]";
    }
  }
  if ((p.biasColumn | 1) != 1) return "flags must be 0 or 1";
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be a member of Activation";
  const Size outputs = batch * Size(p.m) * Size(p.n);
  if (outputs.bad()) return "output must not overflow";
  empty = outputs.value() == 0;
  if (empty) return nullptr;
  // Bounds the work by the size of the output too: overlapping rows would not.
  if (!(outputs * Size(4)).fits(c.operandBytes[0])) return "output must hold m × n of every batch";
  if (p.ldc < p.n) return "ldc must be at least n";
  if (!(gemmReach(p, p.strideC, p.m, p.ldc, p.n) * Size(4)).fits(c.operandBytes[0]))
    return "output must hold its strides";
  if (c.has(3)) {
    const Size bias = Size(p.m - 1) * Size(p.biasRow) + Size(p.n - 1) * Size(p.biasColumn) + Size(1);
    if (!(bias * Size(4)).fits(c.operandBytes[3])) return "bias must hold its strides";
  }
  if (c.has(4) && !(gemmReach(p, p.strideResidual, p.m, p.residualRow, p.n) * Size(4)).fits(c.operandBytes[4]))
    return "residual must hold its strides";
  return nullptr;
}

// Cache blocks. kc 512: a block of one panel is 64 KB, read from L2 at 5 bytes a cycle behind the FMAs, so that it need
// not fit L1; every further block of k loads and stores y once more (256: 2 % slower at 512³). A block of a has at most
// 126x512 floats, 252 KB: twice as much was 2 % slower at 1024³ (AVX2: 5 %). y is not blocked: its partial sums pass
// through the caches once a block of k, 4 bytes for 1024 FMAs, and blocking it copied a once for each block of columns
// (3 %; AVX2: 20 %).
constexpr int64_t kGemmKc = 512, kGemmMc = 126;

// Columns of one unit of gemm_direct.
constexpr int64_t kGemmDirectColumns = 128;

struct GemmBlocking {
  int64_t mc, kc, kBlocks;
  bool copyA;          // rows of a fall into too few sets of L1
  int64_t scratchRow;  // floats between rows of the copy: an odd number of cache lines
};

// Most rows of a block of a that is kc wide, before rounding up to a tile.
inline int64_t gemmBlockRows(int64_t kc) {
  return kc < kGemmKc / 4 ? 4 * kGemmMc : kc > kGemmKc ? kGemmMc : kGemmMc * kGemmKc / kc;
}
inline int64_t gemmScratchRow(int64_t kc) { return roundUp(kc, 16) | 16; }

// How `rows` rows of one matrix are blocked by tiles of `mr` rows.
inline GemmBlocking gemmBlocking(const GemmParams& p, int64_t mr, int64_t rows) {
  GemmBlocking s{};
  // Few rows read every panel once: there is nothing to keep in a cache.
  s.kBlocks = rows <= mr || p.k <= kGemmKc ? 1 : ceilDiv(p.k, kGemmKc);
  s.kc = ceilDiv(p.k, s.kBlocks);
  const int64_t most = gemmBlockRows(s.kc);
  s.mc = rows <= most ? rows : roundUp(ceilDiv(rows, ceilDiv(rows, most)), mr);
  s.copyA = rows > mr / 2 && p.lda % 512 == 0 && p.k >= 128;
  s.scratchRow = gemmScratchRow(s.kc);
  return s;
}

}  // namespace dsnk
