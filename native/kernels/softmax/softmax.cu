// Computes  softmax, its logarithm or hardmax along the middle of [outer, n, inner], see softmax_f32_scalar.cc
// Shapes    as there
// Numerics  as there, sums in the order of the CPU's rows (reduce/fold.cuh), the exponential CUDA's (2 ulp); float16 and
//           bfloat16 in float, rounded once
// Tiling    rows (inner = 1): a warp each, a block where they are long or few; columns: a thread each, or eight. Rows are
//           swept three times, the second and third from L1 or L2
// Packing   none
// Source    none
#include "kernels/reduce/fold.cuh"
#include "kernels/softmax/params.gen.h"

namespace dsnk {

template <class Team, class T>
__device__ __forceinline__ void softmaxRow(SoftmaxKind kind, T* y, const T* x, int64_t n, float* shared) {
  const auto in = [&](int64_t i) { return widened(x[i]); };
  const float peak = static_cast<float>(Team::template fold<MaxFold>(static_cast<double>(-infinity()), n, shared, in));
  const auto each = [&](auto value) {
    for (int64_t i = Team::thread(); i < n; i += Team::kThreads) y[i] = Narrow<T>::of(value(i));
  };
  // Exponentials of floats are kept in y; those of halves would lose digits there.
  constexpr bool keeps = std::is_same<T, float>::value;
  const double total = Team::template fold<SumFold>(0.0, n, shared, [&](int64_t i) {
    const float e = expf(in(i)-peak);
    if constexpr (keeps)
      if (kind == SoftmaxKind::softmax) y[i] = e;
    return e;
  });
  if (kind == SoftmaxKind::logSoftmax) {
    const float shift = static_cast<float>(log(total));
    return each([&](int64_t i) { return (in(i)-peak) - shift; });
  }
  const float scale = static_cast<float>(1 / total);
  Team::sync();
  if constexpr (keeps)
    each([&](int64_t i) { return y[i] * scale; });
  else
    each([&](int64_t i) { return expf(in(i)-peak) * scale; });
}

template <class Team, class T>
__device__ __forceinline__ void softmaxRows(const GpuWork& work, const SoftmaxParams& params) {
  __shared__ float shared[BlockTeam::kWarps];
  for (int64_t row = Team::first(); row < params.outer; row += Team::step())
    softmaxRow<Team, T>(static_cast<SoftmaxKind>(params.kind), work.at<T>(0) + row * params.n,
                        work.at<const T>(1) + row * params.n, params.n, shared);
}

template <class Team, class T>
__device__ __forceinline__ void softmaxColumns(const GpuWork& work, const SoftmaxParams& params) {
  __shared__ float shared[8][32];
  const auto kind = static_cast<SoftmaxKind>(params.kind);
  const int64_t n = params.n, inner = params.inner, strips = (inner + Team::kColumns - 1) / Team::kColumns;
  for (int64_t s = blockIdx.x; s < params.outer * strips; s += gridDim.x) {
    const Quotient at = divide(s, strips);
    const int64_t c = at.rest * Team::kColumns + Team::column();
    const bool open = c < inner;
    const T* x = work.at<const T>(1) + at.whole * n * inner + c;
    T* y = work.at<T>(0) + at.whole * n * inner + c;
    const auto in = [&](int64_t i) { return widened(x[i * inner]); };
    float peak = MaxFold::identity();
    Team::template fold<MaxFold>(n, open, shared, in, [&](float v) { peak = MaxFold::fold(peak, v); });
    peak = Team::shared(peak, shared);
    TwoSum sum;
    Team::template fold<SumFold>(
        n, open, shared, [&](int64_t i) { return expf(in(i)-peak); }, [&](float v) { sum.add(v); });
    const float total = Team::shared(sum.total + sum.lost, shared);
    const float last = kind == SoftmaxKind::softmax ? 1.0f / total : logf(total);
    for (int64_t i = Team::firstRow(); open && i < n; i += Team::kRowStep) {
      const float d = in(i)-peak;
      y[i * inner] = Narrow<T>::of(kind == SoftmaxKind::softmax ? expf(d) * last : d - last);
    }
    sync_block();
  }
}

// The first of the largest, or the first NaN. A thread a column: rare.
template <class T>
__device__ __forceinline__ void hardmax(const GpuWork& work, const SoftmaxParams& params) {
  const int64_t n = params.n, inner = params.inner;
  for (int64_t i = firstIndex(); i < params.outer * inner; i += indexStep()) {
    const Quotient at = divide(i, inner);
    const T* x = work.at<const T>(1) + at.whole * n * inner + at.rest;
    T* y = work.at<T>(0) + at.whole * n * inner + at.rest;
    int64_t first = 0;
    float peak = -infinity();
    for (int64_t k = 0; k < n && peak == peak; k++) {
      const float v = widened(x[k * inner]);
      if (peak < v || v != v) peak = v, first = k;
    }
    for (int64_t k = 0; k < n; k++) y[k * inner] = Narrow<T>::of(k == first ? 1.0f : 0.0f);
  }
}

#define DSNK_FLOATS(type, T)                                                                                        \
  DSNK_ENTRY(256, 4, softmax_rows_##type, SoftmaxParams) { softmaxRows<WarpTeam, T>(work, params); }                \
  DSNK_ENTRY(256, 0, softmax_long_rows_##type, SoftmaxParams) { softmaxRows<BlockTeam, T>(work, params); }          \
  DSNK_ENTRY(256, 0, softmax_columns_##type, SoftmaxParams) { softmaxColumns<ColumnEach, T>(work, params); }        \
  DSNK_ENTRY(256, 0, softmax_high_columns_##type, SoftmaxParams) { softmaxColumns<ColumnShared, T>(work, params); } \
  DSNK_ENTRY(256, 0, hardmax_##type, SoftmaxParams) { hardmax<T>(work, params); }
DSNK_FLOATS(f32, float)
DSNK_FLOATS(f16, half)
DSNK_FLOATS(bf16, bfloat)
#undef DSNK_FLOATS

}  // namespace dsnk
