// Computes  y[b,i,:] = Σ_j w[b,i,j]·v[b,j,:], w = softmax_j(scale·q·k + mask), see attention.inl
// Shapes    as there
// Numerics  scores are chains of fma along the width, weights e^(s-m) by CUDA's expf, m the largest score so far; special
//           values as there
// Tiling    a warp a query and 128 columns of y: a lane scores one of 32 keys, then has four columns of y while the weights go
//           round by shuffles. The eight queries of a block read the same keys one after another, from L1
// Packing   none
// Source    softmax in one pass: Milakov and Gimelshein, Online normalizer calculation for softmax (2018), §3
#include "cuda/elements.cuh"
#include "kernels/attention/params.gen.h"

namespace dsnk {

constexpr int kColumns = 128, kEach = kColumns / 32;

__device__ __forceinline__ float maskedScore(const AttentionParams& p, const GpuWork& work, int64_t at, float s) {
  const auto mask = static_cast<AttentionMask>(p.mask);
  if (mask == AttentionMask::none) return s;
  if (mask == AttentionMask::add) return s + work.at<const float>(4)[at];
  const bool kept = (work.at<const uint8_t>(4)[at] != 0) == (mask == AttentionMask::keepTrue);
  return kept ? s : p.fill;
}

DSNK_ENTRY(256, 0, attention_rows_f32, AttentionParams) {
  const AttentionParams& p = params;
  const int own = static_cast<int>(threadIdx.x % 32);
  const int64_t parts = (p.depth + kColumns - 1) / kColumns;
  const int64_t units = p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3] * parts * p.rows;
  const int64_t step = static_cast<int64_t>(gridDim.x) * (blockDim.x / 32);
  for (int64_t u = static_cast<int64_t>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32; u < units; u += step) {
    const Quotient row = divide(u, p.rows), part = divide(row.whole, parts);
    int64_t rest = part.whole, q = p.offsetQ, k = p.offsetK, v = p.offsetV, m = p.offsetMask, y = 0;
    DSNK_UNROLLED
    for (int d = 3; d >= 0; d--) {
      const Quotient at = divide(rest, p.batch[d]);
      rest = at.whole;
      q += at.rest * p.strideQ[d];
      k += at.rest * p.strideK[d];
      v += at.rest * p.strideV[d];
      m += at.rest * p.strideMask[d];
      y += at.rest * p.strideY[d];
    }
    const int64_t first = part.rest * kColumns;
    int64_t keys = p.keys;
    if (p.causal) {
      const int64_t seen = row.rest + p.causalOffset + 1;
      keys = seen < 0 ? 0 : seen < keys ? seen : keys;
    }
    const float* query = work.at<const float>(1) + q + row.rest * p.rowQ;
    float peak = -infinity(), total = 0, sum[kEach] = {};
    for (int64_t j = 0; j < keys; j += 32) {
      const int64_t key = j + own;
      float s = -infinity();
      if (key < keys) {
        const float* other = work.at<const float>(2) + k + key * p.rowK;
        s = 0;
        for (int64_t d = 0; d < p.width; d++) s = fmaf(query[d], other[d], s);
        s = maskedScore(p, work, m + row.rest * p.rowMask + key * p.columnMask, s * p.scale);
      }
      const float most = fmaxf(peak, warp_max(s));
      const float shift = most == -infinity() ? 0.0f : most;
      const float keep = expf(peak - shift), weight = key < keys ? expf(s - shift) : 0.0f;
      peak = most;
      total = total * keep + warp_sum(weight);
      DSNK_UNROLLED
      for (int c = 0; c < kEach; c++) sum[c] = sum[c] * keep;
      const int count = keys - j < 32 ? static_cast<int>(keys - j) : 32;
      for (int i = 0; i < count; i++) {
        const float w = shuffle(weight, i);
        const float* value = work.at<const float>(3) + v + (j + i) * p.rowV + first;
        DSNK_UNROLLED
        for (int c = 0; c < kEach; c++)
          if (first + c * 32 + own < p.depth) sum[c] = fmaf(w, value[c * 32 + own], sum[c]);
      }
    }
    const auto empty = static_cast<AttentionEmpty>(p.empty);
    const bool vanishes = p.keys == 0 || (empty == AttentionEmpty::zero && total == 0.0f) ||
                          (empty == AttentionEmpty::zeroNan && !(total > 0.0f));
    const float inverse = 1.0f / total;
    DSNK_UNROLLED
    for (int c = 0; c < kEach; c++)
      if (first + c * 32 + own < p.depth)
        work.at<float>(0)[y + row.rest * p.rowY + first + c * 32 + own] = vanishes ? 0.0f : sum[c] * inverse;
  }
}

}  // namespace dsnk
