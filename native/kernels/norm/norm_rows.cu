// Computes  y = (s - mean)·inverse·scale + bias over rows of s = x + skip + skip bias, see norm_rows.inl
// Shapes    as norm_rows.cc
// Numerics  as there, sums in the order of the CPU's rows (reduce/fold.cuh); float16 and bfloat16 in float, rounded once
//           (s is rounded where it is written)
// Tiling    a warp a row, a block where rows are long or few; sweeps after the first come from L1 or L2. Every thread reads
//           back only what it has written itself until the row's sums are known
// Packing   none
// Source    none
#include "kernels/norm/params.gen.h"
#include "kernels/reduce/fold.cuh"

namespace dsnk {

template <class Team, class T>
__device__ __forceinline__ void normRows(const GpuWork& work, const NormRowsParams& p) {
  __shared__ float shared[BlockTeam::kWarps];
  const bool rms = static_cast<RowNorm>(p.kind) == RowNorm::rms;
  T* const sum = work.at<T>(3);
  const T *skip = work.at<const T>(5), *skipBias = work.at<const T>(6), *scale = work.at<const T>(7),
          *bias = work.at<const T>(8);
  const int64_t segments = p.n / p.segment;
  const double n = static_cast<double>(p.n);
  for (int64_t row = Team::first(); row < p.rows; row += Team::step()) {
    const T* s = work.at<const T>(4) + row * p.n;
    T* const y = work.at<T>(0) + row * p.n;
    if (skip != nullptr || skipBias != nullptr || sum != nullptr) {
      T* const to = sum != nullptr ? sum + row * p.n : y;
      const T* other = skip != nullptr ? skip + divide(row, p.skipRows).rest * p.n : nullptr;
      for (int64_t i = Team::thread(); i < p.n; i += Team::kThreads) {
        float v = widened(s[i]);
        if (other != nullptr) v = v + widened(other[i]);
        if (skipBias != nullptr) v = v + widened(skipBias[i]);
        to[i] = Narrow<T>::of(v);
      }
      s = to;
      Team::sync();
    }
    const auto in = [&](int64_t i) { return widened(s[i]); };
    float mean = 0;
    if (!rms) mean = static_cast<float>(Team::template fold<SumFold>(0.0, p.n, shared, in) / n);
    const double square = Team::template fold<SumFold>(0.0, p.n, shared,
                                                       [&](int64_t i) {
                                                         const float d = rms ? in(i) : in(i)-mean;
                                                         return d * d;
                                                       }) /
                          n;
    const float inverse = static_cast<float>(1 / sqrt(square + static_cast<double>(p.epsilon)));
    if (Team::thread() == 0) {
      if (work.at<float>(1) != nullptr) work.at<float>(1)[row] = mean;
      if (work.at<float>(2) != nullptr) work.at<float>(2)[row] = inverse;
    }
    Team::sync();
    const int64_t first = divide(row, p.period).rest * segments;
    for (int64_t i = Team::thread(); i < p.n; i += Team::kThreads) {
      const int64_t k = first + (p.segment == 1 ? i : divide(i, p.segment).whole);
      float v = (in(i)-mean) * inverse;
      if (scale != nullptr) v = v * widened(scale[k]);
      if (bias != nullptr) v = v + widened(bias[k]);
      y[i] = Narrow<T>::of(v);
    }
    Team::sync();
  }
}

#define DSNK_FLOATS(type, T)                                                                    \
  DSNK_ENTRY(256, 0, norm_rows_##type, NormRowsParams) { normRows<WarpTeam, T>(work, params); } \
  DSNK_ENTRY(256, 4, norm_long_rows_##type, NormRowsParams) { normRows<BlockTeam, T>(work, params); }
DSNK_FLOATS(f32, float)
DSNK_FLOATS(f16, half)
DSNK_FLOATS(bf16, bfloat)
#undef DSNK_FLOATS

}  // namespace dsnk
