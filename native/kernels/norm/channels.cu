// Computes  moments and channel_norm: statistics of, and a normalisation by, the channels of [outer, channels, inner]; lp_norm
//           and lrn along, and about, the middle axis. See channels.inl, axis_norm.inl
// Shapes    as channels.cc, axis_norm.cc
// Numerics  as there, sums in the order of the CPU's rows (reduce/fold.cuh)
// Tiling    moments: a block a channel, or columns where inner is 1; lp_norm: as softmax; the others a thread an element
// Packing   none
// Source    none
#include "kernels/norm/params.gen.h"
#include "kernels/reduce/fold.cuh"

namespace dsnk {

__device__ __forceinline__ void storeMoments(const GpuWork& w, float keep, int64_t c, float mean, float variance) {
  w.at<float>(0)[c] = mean;
  w.at<float>(1)[c] = variance;
  if (w.at<float>(2) != nullptr) w.at<float>(2)[c] = w.at<const float>(5)[c] * keep + mean * (1.0f - keep);
  if (w.at<float>(3) != nullptr) w.at<float>(3)[c] = w.at<const float>(6)[c] * keep + variance * (1.0f - keep);
}

DSNK_ENTRY(256, 0, moments_of_channels, MomentsParams) {
  __shared__ float shared[BlockTeam::kWarps];
  const double n = static_cast<double>(params.outer) * static_cast<double>(params.inner);
  const int64_t step = params.channels * params.inner;
  for (int64_t c = blockIdx.x; c < params.channels; c += gridDim.x) {
    const float* x = work.at<const float>(4) + c * params.inner;
    double total = 0;
    for (int64_t o = 0; o < params.outer; o++)
      total = BlockTeam::fold<SumFold>(total, params.inner, shared, [&](int64_t i) { return x[o * step + i]; });
    const float mean = static_cast<float>(total / n);
    total = 0;
    for (int64_t o = 0; o < params.outer; o++)
      total = BlockTeam::fold<SumFold>(total, params.inner, shared, [&](int64_t i) {
        const float d = x[o * step + i] - mean;
        return d * d;
      });
    if (threadIdx.x == 0) storeMoments(work, params.momentum, c, mean, static_cast<float>(total / n));
  }
}

DSNK_ENTRY(256, 0, moments_of_columns, MomentsParams) {
  __shared__ float shared[8][32];
  const float n = static_cast<float>(params.outer);
  for (int64_t s = blockIdx.x; s * 32 < params.channels; s += gridDim.x) {
    const int64_t c = s * 32 + ColumnShared::column();
    const bool open = c < params.channels;
    const float* x = work.at<const float>(4) + c;
    TwoSum sum;
    const auto in = [&](int64_t r) { return x[r * params.channels]; };
    ColumnShared::fold<SumFold>(params.outer, open, shared, in, [&](float v) { sum.add(v); });
    const float mean = ColumnShared::shared((sum.total + sum.lost) / n, shared);
    sum = TwoSum{};
    ColumnShared::fold<SumFold>(
        params.outer, open, shared,
        [&](int64_t r) {
          const float d = in(r)-mean;
          return d * d;
        },
        [&](float v) { sum.add(v); });
    if (ColumnShared::leads() && open) storeMoments(work, params.momentum, c, mean, (sum.total + sum.lost) / n);
  }
}

DSNK_ENTRY(256, 0, channel_norm, ChannelNormParams) {
  const float *x = work.at<const float>(1), *mean = work.at<const float>(2), *variance = work.at<const float>(3);
  const float *scale = work.at<const float>(4), *bias = work.at<const float>(5);
  const bool batch = static_cast<ChannelNorm>(params.kind) == ChannelNorm::batch;
  const int64_t count = params.outer * params.channels * params.inner;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const int64_t c = divide(params.inner == 1 ? i : divide(i, params.inner).whole, params.channels).rest;
    const float v = variance[c];
    float f = 1.0f / (batch ? sqrtf(v + params.epsilon) : sqrtf(v) + params.epsilon);
    if (scale != nullptr) f = f * scale[c];
    const float d = (x[i] - mean[c]) * f;
    // where a channel is a run, its missing bias is 0 and makes +0 of -0
    work.at<float>(0)[i] = bias != nullptr ? d + bias[c] : params.inner == 1 ? d : d + 0.0f;
  }
}

template <class Team>
__device__ __forceinline__ void lpRows(const GpuWork& work, const LpNormParams& params) {
  __shared__ float shared[BlockTeam::kWarps];
  const bool absolute = params.p == 1;
  for (int64_t row = Team::first(); row < params.outer; row += Team::step()) {
    const float* x = work.at<const float>(1) + row * params.n;
    double total = Team::template fold<SumFold>(0.0, params.n, shared,
                                                [&](int64_t i) { return absolute ? fabsf(x[i]) : x[i] * x[i]; });
    if (!absolute) total = sqrt(total);
    const float norm = total == 0 ? 1.0f : static_cast<float>(total);
    Team::sync();
    for (int64_t i = Team::thread(); i < params.n; i += Team::kThreads)
      work.at<float>(0)[row * params.n + i] = x[i] / norm;
  }
}
DSNK_ENTRY(256, 0, lp_rows, LpNormParams) { lpRows<WarpTeam>(work, params); }
DSNK_ENTRY(256, 0, lp_long_rows, LpNormParams) { lpRows<BlockTeam>(work, params); }

template <class Team>
__device__ __forceinline__ void lpColumns(const GpuWork& work, const LpNormParams& params) {
  __shared__ float shared[8][32];
  const bool absolute = params.p == 1;
  const int64_t n = params.n, inner = params.inner, strips = (inner + Team::kColumns - 1) / Team::kColumns;
  for (int64_t s = blockIdx.x; s < params.outer * strips; s += gridDim.x) {
    const Quotient at = divide(s, strips);
    const int64_t c = at.rest * Team::kColumns + Team::column(), from = at.whole * n * inner + c;
    const bool open = c < inner;
    const float* x = work.at<const float>(1) + from;
    TwoSum sum;
    Team::template fold<SumFold>(
        n, open, shared, [&](int64_t i) { return absolute ? fabsf(x[i * inner]) : x[i * inner] * x[i * inner]; },
        [&](float v) { sum.add(v); });
    const float total = Team::shared(sum.total + sum.lost, shared);
    const float norm = absolute ? total : sqrtf(total);
    for (int64_t i = Team::firstRow(); open && i < n; i += Team::kRowStep)
      work.at<float>(0)[from + i * inner] = total == 0 ? 0.0f : x[i * inner] / norm;
    sync_block();
  }
}
DSNK_ENTRY(256, 0, lp_columns, LpNormParams) { lpColumns<ColumnEach>(work, params); }
DSNK_ENTRY(256, 0, lp_high_columns, LpNormParams) { lpColumns<ColumnShared>(work, params); }

DSNK_ENTRY(256, 0, lrn, LrnParams) {
  const float alpha = params.alpha / static_cast<float>(params.size);
  const int64_t before = (params.size - 1) / 2, after = params.size - 1 - before;
  const int64_t count = params.outer * params.channels * params.inner;
  const float* x = work.at<const float>(1);
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    const Quotient column = divide(i, params.inner);
    const int64_t c = divide(column.whole, params.channels).rest;
    const int64_t first = c - before > 0 ? c - before : 0;
    const int64_t last = c + after < params.channels - 1 ? c + after : params.channels - 1;
    float square = 0;
    for (int64_t k = first; k <= last; k++) {
      const float v = x[i + (k - c) * params.inner];
      square = v * v + square;
    }
    const float base = alpha * square + params.bias;
    float factor;
    if (params.beta == 0.75f) {  // the usual one, by two square roots
      const float root = sqrtf(base);
      factor = 1.0f / (root * sqrtf(root));
    } else {
      factor = expf(-params.beta * logf(base));
    }
    work.at<float>(0)[i] = x[i] * factor;
  }
}

}  // namespace dsnk
