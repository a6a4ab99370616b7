// Computes  attention_cached of many queries over caches of 16-bit floats: flash.cuh
// Shapes    heads of up to 256 numbers; no bias, no slopes (attention_cached.cu has these)
// Numerics  flash.cuh
// Tiling    flash.cuh. All heads that share a head of the cache have their queries side by side in blocks: row r is query r / group
//           of head r % group. Registers (nvcc 13, sm_80): 214, 236, 255 and 229 for heads of 64, 96, 128 and 256 numbers;
//           nothing spilled
// Packing   none: a step's tokens are a page, or 64 side by side
// Source    none
#include "kernels/attention/cached_tiles.h"
#include "kernels/attention/flash.cuh"

namespace dsnk {

struct CachedBlock : FlashBlock {
  int64_t b, h, first, total;
};

template <class Type>
struct CachedFlash {
  const GpuWork& work;
  const CachedAttentionParams& p;
  const CachedBlock& block;

  struct Query {
    int64_t i, head;
  };
  __device__ __forceinline__ Query at(int r) const {
    const Quotient q = divide(block.first + r, p.heads / p.keyHeads);
    return {q.whole, block.h * (p.heads / p.keyHeads) + q.rest};
  }
  __device__ __forceinline__ const float* query(int r) const {
    if (r >= block.count) return nullptr;
    const Query q = at(r);
    return work.at<const float>(CachedOperand::q) + block.b * p.strideQ[0] + q.i * p.strideQ[1] + q.head * p.strideQ[2];
  }
  __device__ __forceinline__ void seen(int r, int32_t& begin, int32_t& end) const {
    const Range s = r < block.count ? cachedSeen(p, block.total, at(r).i) : Range{0, 0};
    begin = static_cast<int32_t>(min(s.begin, block.total));
    end = static_cast<int32_t>(min(s.end, block.total));
  }
  __device__ __forceinline__ int64_t step(int64_t t0) const {
    const int64_t row = cacheRow(p, work.at<const int32_t>(CachedOperand::pages), block.b, block.h, t0);
    if (row < 0) fault(work, Fault::indexOutOfRange);
    return row;
  }
  __device__ __forceinline__ float score(int, int64_t, float s) const {
    const float cap = p.softcap * kLog2E;
    return cap * tanhf(s / cap);
  }

  struct Ending {
    float* y;
    float factor;
    bool vanishes;
    __device__ __forceinline__ void put(int d, float o) const { y[d] = vanishes ? 0.0f : o * factor; }
  };
  __device__ __forceinline__ Ending ending(int r, float peak, float sum) const {
    if (r >= block.count) return {nullptr, 0.0f, false};
    const Query q = at(r);
    const float* sinks = work.at<const float>(CachedOperand::sinks);
    float keep = 1.0f;
    if (sinks != nullptr) {
      const float sink = sinks[q.head] * kLog2E, top = fmaxf(peak, sink);
      keep = peak == -infinity() ? 0.0f : exp2_near(peak - top);
      sum = sum * keep + (sink == -infinity() ? 0.0f : exp2_near(sink - top + Type::lift));
    }
    const auto empty = static_cast<AttentionEmpty>(p.empty);
    return {work.at<float>(CachedOperand::y) + block.b * p.strideY[0] + q.i * p.strideY[1] + q.head * p.strideY[2],
            keep * (1.0f / sum),
            (empty == AttentionEmpty::zero && sum == 0.0f) || (empty == AttentionEmpty::zeroNan && !(sum > 0.0f))};
  }
};

template <class Type, class T, bool kScores>
__device__ __forceinline__ void flashCached(const GpuWork& work, const CachedAttentionParams& p) {
  using O = CachedOperand;
  __shared__ CachedBlock block;
  const CachedFlash<Type> queries{work, p, block};
  if (threadIdx.x == 0) {
    const int64_t rows = cachedRows(p), tiles = ceil_div<int64_t>(rows, T::rows);
    const Quotient head = divide(blockIdx.x, p.keyHeads), tile = divide(head.whole, p.batch);
    block.b = tile.rest;
    block.h = head.rest;
    block.first = (tiles - 1 - tile.whole) * T::rows;  // the last queries see most: they begin first
    block.total = tokensOf(work.at<const int32_t>(O::lengths), block.b, p.fresh, p.capacity);
    block.count = static_cast<int>(rows - block.first < T::rows ? rows - block.first : T::rows);
    block.k = work.at<const uint16_t>(O::k);
    block.v = work.at<const uint16_t>(O::v);
    block.width = static_cast<int>(p.width);
    block.depth = static_cast<int>(p.depth);
    block.rowK = block.width;
    block.rowV = block.depth;
    block.scale = p.scale * kLog2E;
    block.align();
    int32_t other;
    queries.seen(0, block.begin, other);
    queries.seen(block.count - 1, other, block.end);
    if (block.total < 0) fault(work, Fault::indexOutOfRange);
  }
  sync_block();
  if (block.total >= 0) flash<Type, T, kScores>(block, queries);
}

#define DSNK_FLASH_ENTRY(name, Type, T, scores) \
  DSNK_ENTRY_FROM(80, 128, 2, name, CachedAttentionParams) { flashCached<Type, T, scores>(work, params); }
#define DSNK_FLASH_ENTRIES(Type, name)                                         \
  DSNK_FLASH_ENTRY(flash_cached_##name##_64, Type, Flash64, false)             \
  DSNK_FLASH_ENTRY(flash_cached_##name##_96, Type, Flash96, false)             \
  DSNK_FLASH_ENTRY(flash_cached_##name##_128, Type, Flash128, false)           \
  DSNK_FLASH_ENTRY(flash_cached_##name##_256, Type, Flash256, false)           \
  DSNK_FLASH_ENTRY(flash_cached_##name##_softcap_128, Type, FlashCapped, true) \
  DSNK_FLASH_ENTRY(flash_cached_##name##_softcap_256, Type, Flash256, true)

DSNK_FLASH_ENTRIES(FlashHalves, f16)
DSNK_FLASH_ENTRIES(FlashBfloats, bf16)

}  // namespace dsnk
