// The contract of `attention`: operands y, q, k, v, mask?. Elements and strides: lib/kernels/attention.ts.
#include "kernels/attention/attention.h"

#include <initializer_list>

namespace dsnk {

// Elements reached from the first one of an operand.
static Size reach(const AttentionParams& p, const int64_t* stride, int64_t offset, int64_t rows, int64_t row,
                  int64_t columns, int64_t column) {
  Size last = Size(offset) + Size(rows - 1) * Size(row) + Size(columns > 0 ? columns - 1 : 0) * Size(column) +
              Size(columns > 0 ? 1 : 0);
  for (int d = 0; d < kAttentionBatchDims; d++) last = last + Size(p.batch[d] - 1) * Size(stride[d]);
  return last;
}

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<AttentionParams>();
  Size batch(1);
  for (int64_t b : p.batch) batch = batch * Size(b);
  if (p.rows < 0 || p.keys < 0 || p.width < 0 || p.depth < 0 || batch.bad())
    return "dimensions must not be negative or overflow";
  if (p.rows > INT32_MAX) return "rows must be less than 2^31";
  for (int64_t stride : {p.rowQ, p.rowK, p.rowV, p.rowY, p.rowMask, p.offsetQ, p.offsetK, p.offsetV, p.offsetMask}) {
    if (!isStride(stride)) return "row strides and offsets must be in [0, 2^48]";
  }
  for (int d = 0; d < kAttentionBatchDims; d++) {
    for (int64_t stride : {p.strideQ[d], p.strideK[d], p.strideV[d], p.strideY[d], p.strideMask[d]}) {
      if (!isStride(stride)) return "outer strides must be in [0, 2^48]";
    }
  }
  if (p.mask < 0 || p.mask >= kAttentionMaskCount) return "mask must be a member of AttentionMask";
  if (p.empty < 0 || p.empty >= kAttentionEmptyCount) return "empty must be a member of AttentionEmpty";
  if ((p.causal | 1) != 1 || (p.columnMask | 1) != 1) return "flags must be 0 or 1";
  if (p.causalOffset < -kMaxStride || p.causalOffset > kMaxStride) return "causalOffset must be in [-2^48, 2^48]";
  const Size outputs = batch * Size(p.rows) * Size(p.depth);
  if (outputs.bad()) return "output must not overflow";
  if (outputs.value() == 0) return nullptr;
  // Bounds the work by the size of the output, and with what follows by those of k and v: overlapping rows would not.
  if (!(outputs * Size(4)).fits(c.operandBytes[0])) return "output must hold rows × depth of every outer index";
  if (p.rowY < p.depth) return "rowY must be at least depth";
  if (!(reach(p, p.strideY, 0, p.rows, p.rowY, p.depth, 1) * Size(4)).fits(c.operandBytes[0]))
    return "output must hold its strides";
  if (p.keys == 0) return nullptr;
  if (!(reach(p, p.strideQ, p.offsetQ, p.rows, p.rowQ, p.width, 1) * Size(4)).fits(c.operandBytes[1]))
    return "q must hold its strides";
  if (p.width > 0 && p.keys > 1 && p.rowK < p.width) return "rowK must be at least width";
  if (p.keys > 1 && p.rowV < p.depth) return "rowV must be at least depth";
  if (!(reach(p, p.strideK, p.offsetK, p.keys, p.rowK, p.width, 1) * Size(4)).fits(c.operandBytes[2]))
    return "k must hold its strides";
  if (!(reach(p, p.strideV, p.offsetV, p.keys, p.rowV, p.depth, 1) * Size(4)).fits(c.operandBytes[3]))
    return "v must hold its strides";
  if (p.mask != static_cast<int32_t>(AttentionMask::none)) {
    const Size mask = reach(p, p.strideMask, p.offsetMask, p.rows, p.rowMask, p.keys, p.columnMask);
    const Size bytes = mask * Size(p.mask == static_cast<int32_t>(AttentionMask::add) ? 4 : 1);
    if (!c.has(4) || !bytes.fits(c.operandBytes[4])) return "mask must hold its strides";
  }
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const AttentionParams*>(params);
  const int64_t batch = attentionBatch(p);
  if (batch == 0 || p.rows == 0 || p.depth == 0) return 0;
  // A unit is fourteen queries of one outer index; its cost in vector FMAs. Every tile packs the keys and values it
  // meets, so that a tile should have a few units of each.
  const int64_t units = ceilDiv(p.rows, 14) * batch;
  const double cost = 14.0 * static_cast<double>(p.keys) * static_cast<double>(p.width + p.depth + 16) / 16;
  return tilesFor(units, cost < 1e12 ? static_cast<int64_t>(cost) : int64_t{1000000000000}, threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const AttentionParams*>(params);
  if (attentionBatch(p) == 0 || p.rows == 0 || p.depth == 0) return 0;
  return static_cast<uint64_t>(attentionScratch(p).all) * sizeof(float);
}

extern const Contract attention_contract{"attention", "wrrro", 0,     sizeof(AttentionParams),
                                         false,       verify,  tiles, scratchBytes};

}  // namespace dsnk
