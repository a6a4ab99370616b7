// Computes  y[b, i, h, :] = Σ_t w[t]·v[b, h/group, t, :], w = softmax_t of the scores of lib/kernels/cache.ts: cached.inl
// Shapes    as there
// Numerics  scores: a chain of fma over the width in float, whatever the cache's type; then as there. Weights of a tile of
//           256 tokens at a time with a running maximum. Few queries: sums of splits of 512 tokens are merged in their
//           order, by the second launch or by attention_merge with the same operations
// Tiling    a block has up to eight queries that share a head of the cache and a split of its tokens (or all that they see,
//           where queries are many). Scores: a thread a token, whose row it reads in 16-byte pieces, so that no sum crosses
//           lanes; queries come from shared memory, the same word for all. Sums: four numbers of the depth a thread,
//           neighbours side by side, and the tokens of a tile dealt out to groups of threads, which meet at the end.
//           A cache of halves and four queries a head: 8 operations a byte, a fifth of what FFMA can do beside the memory
//           of an H200. One query, 32 heads of 128 on 8 of the cache: a block for each head of the cache and split, 128 at
//           8,192 tokens and 1,024 at 65,536, where 132 multiprocessors hold 264. So at 8,192 each has one block, and its
//           loads, 16 bytes a thread one or two ahead, are 4 to 8 KB under way where 4.8 TB/s and 0.8 µs ask for 29: a
//           thread therefore asks for the lines of its token of the next tile in L2, 128 KB a block. Splits cannot be
//           shorter, records of 512 tokens are part of the contract. nvcc 13, sm_80: 128 registers, none spilled
// Packing   none: tokens are read as append left them
// Source    Dao et al., Flash-Decoding for long-context inference (2023)
#include "cuda/elements.cuh"
#include "kernels/attention/cached_tiles.h"
#include "kernels/attention/params.gen.h"

namespace dsnk {

// Numbers of the launch.
enum : uint32_t { kRecords, kRecordsInScratch };

template <class T>
__device__ __forceinline__ float numberOf(T x) {
  return widened(x);
}
__device__ __forceinline__ float numberOf(int8_t x) { return static_cast<float>(x); }

// `n` numbers of a row, of which `count` are there.
template <int n, class T>
__device__ __forceinline__ void loadNumbers(float (&to)[n], const T* from, int64_t count, bool aligned) {
  if (aligned && count >= n) {
    T piece[n];
    if constexpr (sizeof piece == 16) {
      const u32x4 words = load16(from);
      memcpy(piece, &words, 16);
    } else if constexpr (sizeof piece == 8) {
      const u32x2 words = load8(from);
      memcpy(piece, &words, 8);
    } else {
      static_assert(sizeof piece == 4, "pieces are of 4, 8 or 16 bytes");
      const uint32_t word = *reinterpret_cast<const uint32_t*>(from);
      memcpy(piece, &word, 4);
    }
#pragma unroll
    for (int i = 0; i < n; i++) to[i] = numberOf(piece[i]);
  } else {
#pragma unroll
    for (int i = 0; i < n; i++) to[i] = i < count ? numberOf(from[i]) : 0.0f;
  }
}

// The sums of one query: y without its divisor, the largest score, the sum of weights.
struct CachedTotals {
  float peak, total;
};

// e^(x - top), where -∞ means that there was nothing.
__device__ __forceinline__ float faded(float x, float top) { return x == -infinity() ? 0.0f : expf(x - top); }

// Adds the sums of a split to those before: what `o` is multiplied by, then what the new ones are.
__device__ __forceinline__ void mergeTotals(CachedTotals& to, float peak, float total, float& a, float& b) {
  const float top = peak > to.peak ? peak : to.peak;
  a = faded(to.peak, top);
  b = faded(peak, top);
  to.peak = top;
  to.total = to.total * a + total * b;
}
__device__ __forceinline__ CachedTotals startOf(const float* sinks, int64_t head) {
  return {sinks == nullptr ? -infinity() : sinks[head], sinks == nullptr ? 0.0f : 1.0f};
}
__device__ __forceinline__ float finished(const CachedAttentionParams& p, float o, float total) {
  const auto empty = static_cast<AttentionEmpty>(p.empty);
  const bool vanishes =
      (empty == AttentionEmpty::zero && total == 0.0f) || (empty == AttentionEmpty::zeroNan && !(total > 0.0f));
  return vanishes ? 0.0f : o * (1.0f / total);
}

// What a block works on: queries [first, first + queries) of the group of head h, tokens [begin, end).
struct CachedUnit {
  int64_t b, h, first, split, depth0, total, begin, end;
  int queries;
};

__device__ __forceinline__ int64_t headOf(const CachedAttentionParams& p, const CachedUnit& u, int64_t r) {
  return u.h * (p.heads / p.keyHeads) + (u.first + r) / p.rows;
}
__device__ __forceinline__ int64_t rowOf(const CachedAttentionParams& p, const CachedUnit& u, int64_t r) {
  return (u.first + r) % p.rows;
}
template <class T>
__device__ __forceinline__ void attendUnit(const GpuWork& work, const CachedAttentionParams& p, const CachedUnit& u) {
  using O = CachedOperand;
  constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t widthRoom = p.width <= kCachedSharedWidth ? ceil_div<int64_t>(p.width, 16) * 16 : 0;
  float* const queries = reinterpret_cast<float*>(shared_memory());  // [kCachedQueries][widthRoom], times scale
  float* const weights = queries + kCachedQueries * widthRoom;       // [kCachedQueries][kCachedTile]
  int64_t* const rows =
      reinterpret_cast<int64_t*>(weights + kCachedQueries * kCachedTile);  // of the cache, -1: not seen
  __shared__ float peaks[kCachedQueries], totals[kCachedQueries], keeps[kCachedQueries];
  const float* const q = work.at<const float>(O::q) + u.b * p.strideQ[0];
  const auto queryAt = [&](int r) { return q + rowOf(p, u, r) * p.strideQ[1] + headOf(p, u, r) * p.strideQ[2]; };
  const int32_t* pages = work.at<const int32_t>(O::pages);
  const float *kScales = work.at<const float>(O::kScales), *vScales = work.at<const float>(O::vScales);
  const float *bias = work.at<const float>(O::bias), *slopes = work.at<const float>(O::slopes);

  // Lines of the token that this thread has in a tile; what names no page is found when it is read.
  const auto fetch = [&](int64_t t0) {
    const int64_t t = t0 + thread, row = t < u.end ? cacheRow(p, pages, u.b, u.h, t) : -1;
    if (row < 0) return;
    const auto rowOfBytes = [&](uint32_t operand, int64_t first, int64_t count) {
      const T* from = work.at<const T>(operand) + row * count + first;
      const int64_t bytes = (count - first) * static_cast<int64_t>(sizeof(T));
      DSNK_ROLLED
      for (int64_t at = 0; at < bytes && at < kCachedLines * 128; at += 128)
        prefetch_l2(reinterpret_cast<const std::byte*>(from) + at);
    };
    rowOfBytes(O::k, 0, p.width);
    rowOfBytes(O::v, u.depth0, p.depth);
  };
  fetch(u.begin);
  sync_block();  // whatever an earlier unit left in shared memory has been read
  for (int64_t i = thread; i < u.queries * widthRoom; i += kCachedTile) {
    const int64_t r = i / widthRoom, d = i % widthRoom;
    queries[i] = d < p.width ? queryAt(static_cast<int>(r))[d] * p.scale : 0.0f;
  }
  if (thread < kCachedQueries) {
    peaks[thread] = -infinity();
    totals[thread] = 0.0f;
  }
  const bool alignedK = p.width % kPiece == 0 && isAligned(work.operand[O::k], 16);
  const bool alignedV = p.depth % kCachedPart == 0 && isAligned(work.operand[O::v], 16);
  const int64_t depth = p.depth - u.depth0 < kCachedDepths ? p.depth - u.depth0 : kCachedDepths;
  const int columns = static_cast<int>(ceil_div<int64_t>(depth, kCachedPart)), groups = kCachedTile / columns;
  const int column = thread % columns, group = thread / columns;
  float sums[kCachedQueries][kCachedPart] = {};

  for (int64_t t0 = u.begin; t0 < u.end; t0 += kCachedTile) {
    fetch(t0 + kCachedTile);
    sync_block();  // queries are there; the weights of the tile before have been used
    {
      const int64_t t = t0 + thread;
      int64_t row = t < u.end ? cacheRow(p, pages, u.b, u.h, t) : -1;
      if (t < u.end && row < 0) fault(work, Fault::indexOutOfRange);
      rows[thread] = row;
      float s[kCachedQueries] = {};
      if (row >= 0) {
        const T* k = work.at<const T>(O::k) + row * p.width;
        for (int64_t d = 0; d < p.width; d += kPiece) {
          float x[kPiece];
          loadNumbers(x, k + d, p.width - d, alignedK);
#pragma unroll
          for (int r = 0; r < kCachedQueries; r++) {
            if (r >= u.queries) break;
            if (widthRoom > 0) {
              const float* from = queries + r * widthRoom + d;
#pragma unroll
              for (int i = 0; i < kPiece; i++) s[r] = fmaf(from[i], x[i], s[r]);
            } else {
              const float* from = queryAt(r) + d;
              for (int i = 0; i < kPiece && d + i < p.width; i++) s[r] = fmaf(from[i] * p.scale, x[i], s[r]);
            }
          }
        }
      }
#pragma unroll
      for (int r = 0; r < kCachedQueries; r++) {
        if (r >= u.queries) break;
        const int64_t i = rowOf(p, u, r), head = headOf(p, u, r);
        const Range seen = cachedSeen(p, u.total, i);
        float score = s[r];
        if (row < 0 || t < seen.begin || t >= seen.end) {
          score = -infinity();
        } else {
          if (kScales != nullptr) score = score * kScales[row];
          if (p.softcap > 0.0f) score = p.softcap * tanhf(score / p.softcap);
          if (bias != nullptr) {
            score =
                score + bias[u.b * p.strideBias[0] + head * p.strideBias[1] + i * p.strideBias[2] + t * p.columnBias];
          }
          if (slopes != nullptr && slopes[head] != 0.0f) {
            score = score + slopes[head] * static_cast<float>(t - (u.total - p.rows + i));
          }
        }
        weights[r * kCachedTile + thread] = score;
      }
    }
    sync_block();
    for (int r = warp(); r < u.queries; r += kCachedTile / kWarp) {
      float* w = weights + r * kCachedTile;
      float top = peaks[r];
#pragma unroll
      for (int i = 0; i < kCachedTile / kWarp; i++) {
        const float s = w[lane() + i * kWarp];
        top = s > top ? s : top;  // NaN is passed over here, and comes back with the sum
      }
      top = warp_max(top);
      const float shift = top == -infinity() ? 0.0f : top;  // nothing but -∞ so far: all weights are zero
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < kCachedTile / kWarp; i++) {
        const int at = lane() + i * kWarp;
        const float e = expf(w[at] - shift);
        sum = sum + e;
        w[at] = vScales != nullptr && rows[at] >= 0 ? e * vScales[rows[at]] : e;
      }
      sum = warp_sum(sum);
      if (lane() == 0) {
        const float keep = faded(peaks[r], shift);
        keeps[r] = keep;
        totals[r] = totals[r] * keep + sum;
        peaks[r] = top;
      }
    }
    sync_block();
    if (group < groups) {
#pragma unroll
      for (int r = 0; r < kCachedQueries; r++) {
        if (r >= u.queries) break;
#pragma unroll
        for (int i = 0; i < kCachedPart; i++) sums[r][i] = sums[r][i] * keeps[r];
      }
      const int64_t left = u.end - t0;
      const int count = left < kCachedTile ? static_cast<int>(left) : kCachedTile;
      for (int t = group; t < count; t += groups) {
        if (rows[t] < 0) continue;
        const int64_t d = u.depth0 + column * kCachedPart;
        float x[kCachedPart];
        loadNumbers(x, work.at<const T>(O::v) + rows[t] * p.depth + d, p.depth - d, alignedV);
#pragma unroll
        for (int r = 0; r < kCachedQueries; r++) {
          if (r >= u.queries) break;
          const float w = weights[r * kCachedTile + t];
#pragma unroll
          for (int i = 0; i < kCachedPart; i++) sums[r][i] = fmaf(w, x[i], sums[r][i]);
        }
      }
    }
  }
  sync_block();
  // Sums of all groups meet where queries and weights stood.
  float* const meeting = queries;  // [groups][kCachedQueries][columns·kCachedPart]
  const int across = columns * kCachedPart;
  if (group < groups) {
#pragma unroll
    for (int r = 0; r < kCachedQueries; r++) {
#pragma unroll
      for (int i = 0; i < kCachedPart; i++)
        meeting[(group * kCachedQueries + r) * across + column * kCachedPart + i] = sums[r][i];
    }
  }
  sync_block();
  const bool records = work.number[kRecords] != 0;
  float* const to = work.number[kRecordsInScratch] != 0 ? reinterpret_cast<float*>(work.scratch) : work.at<float>(O::y);
  const int64_t record = cachedRecord(p), splits = cachedSplits(p);
  for (int64_t n = thread; n < u.queries * depth; n += kCachedTile) {
    const int r = static_cast<int>(n / depth);
    const int64_t d = n % depth, head = headOf(p, u, r), i = rowOf(p, u, r);
    float o = meeting[r * across + d];
    for (int g = 1; g < groups; g++) o = o + meeting[(g * kCachedQueries + r) * across + d];
    if (records) {
      float* own = to + (((u.b * p.rows + i) * p.heads + head) * splits + u.split) * record;
      own[u.depth0 + d] = o;
      if (d == 0 && u.depth0 == 0) {
        own[p.depth] = peaks[r];
        own[p.depth + 1] = totals[r];
      }
    } else {
      CachedTotals all = startOf(work.at<const float>(O::sinks), head);
      float a, b;
      mergeTotals(all, peaks[r], totals[r], a, b);
      to[u.b * p.strideY[0] + i * p.strideY[1] + head * p.strideY[2] + u.depth0 + d] = finished(p, o * b, all.total);
    }
  }
}

template <class T>
__device__ __forceinline__ void attend(const GpuWork& work, const CachedAttentionParams& p) {
  const bool records = work.number[kRecords] != 0;
  const int64_t rows = cachedRows(p), chunks = ceil_div<int64_t>(rows, kCachedQueries);
  const int64_t splits = records ? cachedSplits(p) : 1, parts = ceil_div(p.depth, kCachedDepths);
  const int64_t units = p.batch * p.keyHeads * chunks * parts * splits;
  for (int64_t n = blockIdx.x; n < units; n += gridDim.x) {
    const Quotient split = divide(n, splits), part = divide(split.whole, parts), chunk = divide(part.whole, chunks);
    const Quotient head = divide(chunk.whole, p.keyHeads);
    CachedUnit u{};
    u.split = split.rest;
    u.depth0 = part.rest * kCachedDepths;
    u.first = chunk.rest * kCachedQueries;
    u.h = head.rest;
    u.b = head.whole;
    u.queries = static_cast<int>(rows - u.first < kCachedQueries ? rows - u.first : kCachedQueries);
    u.total = tokensOf(work.at<const int32_t>(CachedOperand::lengths), u.b, p.fresh, p.capacity);
    if (u.total < 0) {
      fault(work, Fault::indexOutOfRange);
      continue;
    }
    u.begin = u.total;
    for (int r = 0; r < u.queries; r++) {
      const Range seen = cachedSeen(p, u.total, rowOf(p, u, r));
      const int64_t end = min(seen.end, u.total);
      u.begin = min(u.begin, seen.begin);
      u.end = max(u.end, end);
    }
    if (records) {
      const int64_t from = u.split * kCacheSplit, to = from + kCacheSplit;
      u.begin = u.begin > from ? u.begin : from;
      u.end = u.end < to ? u.end : to;
      if (from >= u.total) continue;  // a cache is rarely full
    }
    attendUnit<T>(work, p, u);
  }
}

// Sums of splits, in their order; a thread for each number of y.
__device__ __forceinline__ void mergeRecords(const GpuWork& work, const CachedAttentionParams& p, const float* records,
                                             const int32_t* lengths, const float* sinks) {
  const int64_t record = cachedRecord(p), splits = cachedSplits(p);
  const int64_t count = p.batch * p.rows * p.heads * p.depth;
  for (int64_t n = firstIndex(); n < count; n += indexStep()) {
    const Quotient query = divide(n, p.depth), head = divide(query.whole, p.heads), row = divide(head.whole, p.rows);
    const int64_t total = tokensOf(lengths, row.whole, p.fresh, p.capacity);
    if (total < 0) {
      fault(work, Fault::indexOutOfRange);
      continue;
    }
    int64_t first = p.window > 0 ? total - p.rows - p.window + 1 : 0;
    first = first < 0 ? 0 : first < total ? first : total;
    CachedTotals all = startOf(sinks, head.rest);
    float o = 0.0f;
    for (int64_t s = first / kCacheSplit; s < ceil_div(total, kCacheSplit); s++) {
      const float* from = records + (query.whole * splits + s) * record;
      float a, b;
      mergeTotals(all, from[p.depth], from[p.depth + 1], a, b);
      o = fmaf(o, a, from[query.rest] * b);
    }
    work.at<float>(0)[row.whole * p.strideY[0] + row.rest * p.strideY[1] + head.rest * p.strideY[2] + query.rest] =
        finished(p, o, all.total);
  }
}

DSNK_ENTRY(256, 2, attention_cached_f32, CachedAttentionParams) { attend<float>(work, params); }
DSNK_ENTRY(256, 2, attention_cached_f16, CachedAttentionParams) { attend<half>(work, params); }
DSNK_ENTRY(256, 2, attention_cached_bf16, CachedAttentionParams) { attend<bfloat>(work, params); }
DSNK_ENTRY(256, 2, attention_cached_i8, CachedAttentionParams) { attend<int8_t>(work, params); }
// Of attention_cached itself: records in scratch, and its operands.
DSNK_ENTRY(256, 0, attention_cached_merge, CachedAttentionParams) {
  using O = CachedOperand;
  mergeRecords(work, params, reinterpret_cast<const float*>(work.scratch), work.at<const int32_t>(O::lengths),
               work.at<const float>(O::sinks));
}
DSNK_ENTRY(256, 0, attention_merge_f32, CachedAttentionParams) {
  mergeRecords(work, params, work.at<const float>(1), work.at<const int32_t>(2), work.at<const float>(3));
}

}  // namespace dsnk
