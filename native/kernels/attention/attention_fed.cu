// Computes  attention of many queries over keys and values of float32, rounded to 16 bits: flash.cuh
// Shapes    heads of up to 128 numbers
// Numerics  flash.cuh; keys and values are rounded as well, in halves what is above 65504 becomes infinite
// Tiling    the first launch rounds every head of keys and values once, whatever number of heads of queries share it (outer
//           dimensions over which they do not move), and pads rows to pieces of 16 bytes; the second is flash.cuh. Scores that
//           a mask changes: 64 queries a block. Nothing spilled
// Packing   scratch, by fed_tiles.h
// Source    none
#include "kernels/attention/fed_tiles.h"
#include "kernels/attention/flash.cuh"

namespace dsnk {

// Eight numbers of a row a thread.
template <class Type>
__device__ __forceinline__ void roundFed(const GpuWork& work, const AttentionParams& p) {
  const FedLayout to = fedLayout(p);
  const int64_t piecesK = to.rowK / 8, pieces = piecesK + to.rowV / 8, count = to.heads * p.keys * pieces;
  for (int64_t n = firstIndex(); n < count; n += indexStep()) {
    const Quotient row = divide(n, pieces), head = divide(row.whole, p.keys);
    const bool isK = row.rest < piecesK;
    int64_t at = isK ? p.offsetK : p.offsetV, rest = head.whole;
    DSNK_UNROLLED
    for (int d = 3; d >= 0; d--) {
      if (!fedMoves(p, d)) continue;
      const Quotient q = divide(rest, p.batch[d]);
      rest = q.whole;
      at += q.rest * (isK ? p.strideK[d] : p.strideV[d]);
    }
    const int64_t first = (isK ? row.rest : row.rest - piecesK) * 8, numbers = isK ? p.width : p.depth;
    const float* from = work.at<const float>(isK ? 2 : 3) + at + head.rest * (isK ? p.rowK : p.rowV) + first;
    float x[8];
    DSNK_UNROLLED
    for (int i = 0; i < 8; i++) x[i] = first + i < numbers ? from[i] : 0.0f;
    auto* scratch = reinterpret_cast<uint16_t*>(work.scratch);
    uint16_t* place = isK ? scratch + row.whole * to.rowK : scratch + to.values + row.whole * to.rowV;
    store16(place + first,
            {{Type::pair(x[0], x[1]), Type::pair(x[2], x[3]), Type::pair(x[4], x[5]), Type::pair(x[6], x[7])}});
  }
}

struct FedBlock : FlashBlock {
  int64_t q, y, mask, first, row;  // places of the first query's numbers; rows of keys before this head's
};

struct FedFlash {
  const GpuWork& work;
  const AttentionParams& p;
  const FedBlock& block;

  __device__ __forceinline__ const float* query(int r) const {
    return r < block.count ? work.at<const float>(1) + block.q + (block.first + r) * p.rowQ : nullptr;
  }
  __device__ __forceinline__ void seen(int r, int32_t& begin, int32_t& end) const {
    begin = 0;
    const int64_t last = p.causal ? block.first + r + p.causalOffset + 1 : p.keys;
    end = r < block.count ? static_cast<int32_t>(clamp<int64_t>(last, 0, p.keys)) : 0;
  }
  __device__ __forceinline__ int64_t step(int64_t t0) const { return block.row + t0; }
  // What is finite stays so: scores that are all masked by the least float32 have equal weights, as in float32.
  __device__ __forceinline__ static float inLog2(float mask) {
    constexpr float kMost = 0x1.fffffep127f;
    return fabsf(mask) < infinity() ? clamp(mask * kLog2E, -kMost, kMost) : mask * kLog2E;
  }
  __device__ __forceinline__ float score(int r, int64_t t, float s) const {
    if (r >= block.count || t >= p.keys) return s;
    const int64_t at = block.mask + (block.first + r) * p.rowMask + t * p.columnMask;
    const auto mask = static_cast<AttentionMask>(p.mask);
    if (mask == AttentionMask::add) return s + inLog2(work.at<const float>(4)[at]);
    return (work.at<const uint8_t>(4)[at] != 0) == (mask == AttentionMask::keepTrue) ? s : inLog2(p.fill);
  }

  struct Ending {
    float* y;
    float factor;
    bool vanishes;
    __device__ __forceinline__ void put(int d, float o) const { y[d] = vanishes ? 0.0f : o * factor; }
  };
  __device__ __forceinline__ Ending ending(int r, float, float sum) const {
    const auto empty = static_cast<AttentionEmpty>(p.empty);
    return {work.at<float>(0) + block.y + (block.first + r) * p.rowY, 1.0f / sum,
            (empty == AttentionEmpty::zero && sum == 0.0f) || (empty == AttentionEmpty::zeroNan && !(sum > 0.0f))};
  }
};

template <class Type, class T, bool kScores>
__device__ __forceinline__ void flashFed(const GpuWork& work, const AttentionParams& p) {
  __shared__ FedBlock block;
  const FedFlash queries{work, p, block};
  if (threadIdx.x == 0) {
    const FedLayout from = fedLayout(p);
    const int64_t tiles = ceil_div<int64_t>(p.rows, T::rows), batch = p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3];
    const Quotient tile = divide(blockIdx.x, batch);
    block.first = (tiles - 1 - tile.whole) * T::rows;  // the last queries see most: they begin first
    block.q = p.offsetQ;
    block.y = 0;
    block.mask = p.offsetMask;
    int64_t rest = tile.rest, head = 0, heads = 1;
    for (int d = 3; d >= 0; d--) {
      const Quotient at = divide(rest, p.batch[d]);
      rest = at.whole;
      block.q += at.rest * p.strideQ[d];
      block.y += at.rest * p.strideY[d];
      block.mask += at.rest * p.strideMask[d];
      if (!fedMoves(p, d)) continue;
      head += at.rest * heads;
      heads *= p.batch[d];
    }
    block.row = head * p.keys;
    block.k = reinterpret_cast<const uint16_t*>(work.scratch);
    block.v = block.k + from.values;
    block.width = static_cast<int>(p.width);
    block.depth = static_cast<int>(p.depth);
    block.rowK = static_cast<int>(from.rowK);
    block.rowV = static_cast<int>(from.rowV);
    block.count = static_cast<int>(p.rows - block.first < T::rows ? p.rows - block.first : T::rows);
    block.scale = p.scale * kLog2E;
    block.align();
    block.begin = 0;
    int32_t none;
    queries.seen(block.count - 1, none, block.end);
  }
  sync_block();
  flash<Type, T, kScores>(block, queries);
}

#define DSNK_FED_ENTRIES(Type, name)                                                                 \
  DSNK_ENTRY_FROM(80, 256, 0, flash_round_##name, AttentionParams) { roundFed<Type>(work, params); } \
  DSNK_ENTRY_FROM(80, 128, 2, flash_fed_##name##_64, AttentionParams) {                              \
    flashFed<Type, Flash64, false>(work, params);                                                    \
  }                                                                                                  \
  DSNK_ENTRY_FROM(80, 128, 2, flash_fed_##name##_128, AttentionParams) {                             \
    flashFed<Type, Flash128, false>(work, params);                                                   \
  }                                                                                                  \
  DSNK_ENTRY_FROM(80, 128, 2, flash_fed_##name##_mask, AttentionParams) {                            \
    flashFed<Type, FlashCapped, true>(work, params);                                                 \
  }

DSNK_FED_ENTRIES(FlashHalves, f16)
DSNK_FED_ENTRIES(FlashBfloats, bf16)

}  // namespace dsnk
