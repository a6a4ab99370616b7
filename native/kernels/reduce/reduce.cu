// Computes  y[k] = finish(Σ or max or min or Π over r of map(x[k, r])), see reduce.cc
// Shapes    as there
// Numerics  float32: the bits of the CPU's rows but for the exponential (fold.cuh); float16 and bfloat16 the same way, one
//           rounding at the end; integers wrap, means and roots of them in double
// Tiling    rows (innermost dimension reduced): a warp each, a block where there are few; columns: a thread each, or eight
//           where there are few, which take 32 rows in turn. What is not summed in float goes a thread an output
// Packing   none
// Source    none
#include "kernels/reduce/fold.cuh"
#include "kernels/reduce/params.gen.h"

namespace dsnk {

// shape.h for the device: dimensions sorted into kept and reduced loops. One for a block, in shared memory, where every
// thread finds the same loop at an index that is not constant.
struct Loops {
  int rank;
  int64_t size[8], stride[8];
  int64_t count;

  __device__ __forceinline__ void clear() { rank = 0, count = 1; }
  __device__ __forceinline__ void addBefore(int64_t n, int64_t s) {  // innermost first
    size[rank] = n;
    stride[rank] = s;
    rank++;
    count *= n;
  }
  __device__ __forceinline__ int64_t offset(int64_t i) const {
    if (rank == 0) return 0;
    int64_t offset = 0;
    DSNK_ROLLED  // stands in every fold
        for (int d = 0; d + 1 < rank; d++) {
      const Quotient at = divide(i, size[d] > 0 ? size[d] : 1);
      i = at.whole;
      offset += at.rest * stride[d];
    }
    return offset + i * stride[rank - 1];
  }
};
struct Shape {
  Loops kept, reduced;
  int64_t n, m;

  __device__ __forceinline__ void set(const ReduceParams& p) {
    if (threadIdx.x == 0) {
      kept.clear(), reduced.clear();
      n = m = 1;
      int64_t step = 1;
      for (int d = p.rank - 1; d >= 0; d--) {
        const bool isReduced = (p.reduced >> d) & 1;
        if (d == p.rank - 1)
          (isReduced ? n : m) = p.dims[d];
        else
          (isReduced ? reduced : kept).addBefore(p.dims[d], step);
        step *= p.dims[d];
      }
      if (n == 0) reduced.count = 0;  // nothing to walk over, however often
    }
    sync_block();
  }
  __device__ __forceinline__ int64_t count() const { return reduced.count * n; }
};

__device__ __forceinline__ float finish(Reduction kind, double total, int64_t count, double peak) {
  switch (kind) {
    case Reduction::mean: return static_cast<float>(total / static_cast<double>(count));
    case Reduction::l2: return static_cast<float>(sqrt(total));
    case Reduction::logSum: return static_cast<float>(log(total));
    case Reduction::logSumExp: return static_cast<float>(peak - peak == 0 ? log(total) + peak : peak);
    default: return static_cast<float>(total);
  }
}

// One row by a team: `fold` called with the fold and the map of the kind.
template <class Team, class T>
__device__ __forceinline__ float reduceRow(const Shape& s, Reduction kind, const T* x, float* shared) {
  double total = 0, peak = 0;
  const auto over = [&](auto r, double start, auto map) {
    using R = decltype(r);
    for (int64_t i = 0; i < s.reduced.count; i++) {
      const T* row = x + s.reduced.offset(i);
      start = Team::template fold<R>(start, s.n, shared, [&](int64_t k) { return map(widened(row[k])); });
    }
    return start;
  };
  const auto same = [](float v) { return v; };
  switch (kind) {
    case Reduction::max: total = over(MaxFold{}, static_cast<double>(-infinity()), same); break;
    case Reduction::min: total = over(MinFold{}, static_cast<double>(infinity()), same); break;
    case Reduction::prod: total = over(ProdFold{}, 1.0, same); break;
    case Reduction::l1: total = over(SumFold{}, 0.0, [](float v) { return fabsf(v); }); break;
    case Reduction::l2:
    case Reduction::sumSquare: total = over(SumFold{}, 0.0, [](float v) { return v * v; }); break;
    case Reduction::logSumExp: {
      peak = over(MaxFold{}, static_cast<double>(-infinity()), same);
      const float shift = static_cast<float>(peak);
      if (peak - peak == 0) total = over(SumFold{}, 0.0, [shift](float v) { return expf(v - shift); });
      break;
    }
    default: total = over(SumFold{}, 0.0, same);
  }
  return finish(kind, total, s.count(), peak);
}

template <class Team, class T>
__device__ __forceinline__ void reduceRows(const GpuWork& work, const ReduceParams& params) {
  __shared__ float shared[BlockTeam::kWarps];
  __shared__ Shape s;
  s.set(params);
  for (int64_t row = Team::first(); row < s.kept.count; row += Team::step()) {
    const float y =
        reduceRow<Team>(s, static_cast<Reduction>(params.kind), work.at<const T>(1) + s.kept.offset(row), shared);
    if (Team::thread() == 0) work.at<T>(0)[row] = Narrow<T>::of(y);
  }
}

template <class Team, class T>
__device__ __forceinline__ void reduceColumns(const GpuWork& work, const ReduceParams& params) {
  __shared__ float shared[8][32];
  __shared__ Shape s;
  s.set(params);
  const auto kind = static_cast<Reduction>(params.kind);
  const int64_t strips = (s.m + Team::kColumns - 1) / Team::kColumns;
  for (int64_t i = blockIdx.x; i < s.kept.count * strips; i += gridDim.x) {
    const Quotient at = divide(i, strips);
    const int64_t c = at.rest * Team::kColumns + Team::column();
    const bool open = c < s.m;
    const T* x = work.at<const T>(1) + s.kept.offset(at.whole) + c;
    const auto over = [&](auto r, auto map, auto take) {
      Team::template fold<decltype(r)>(
          s.reduced.count, open, shared, [&](int64_t k) { return map(widened(x[s.reduced.offset(k)])); }, take);
    };
    const auto same = [](float v) { return v; };
    TwoSum sum;
    const auto add = [&](float v) { sum.add(v); };
    double peak = 0;
    switch (kind) {
      case Reduction::max:
        sum.total = MaxFold::identity();
        over(MaxFold{}, same, [&](float v) { sum.total = MaxFold::fold(sum.total, v); });
        break;
      case Reduction::min:
        sum.total = MinFold::identity();
        over(MinFold{}, same, [&](float v) { sum.total = MinFold::fold(sum.total, v); });
        break;
      case Reduction::prod:  // in the order of rows: every factor rounds
        sum.total = 1;
        if (Team::leads() && open)
          for (int64_t k = 0; k < s.reduced.count; k++) sum.total *= widened(x[s.reduced.offset(k)]);
        break;
      case Reduction::l1: over(SumFold{}, [](float v) { return fabsf(v); }, add); break;
      case Reduction::l2:
      case Reduction::sumSquare: over(SumFold{}, [](float v) { return v * v; }, add); break;
      case Reduction::logSumExp: {
        float most = MaxFold::identity();
        over(MaxFold{}, same, [&](float v) { most = MaxFold::fold(most, v); });
        const float shift = Team::shared(most, shared);
        over(SumFold{}, [shift](float v) { return expf(v - shift); }, add);
        peak = static_cast<double>(shift);
        break;
      }
      default: over(SumFold{}, same, add);
    }
    if (Team::leads() && open) {
      // after an infinity the correction is NaN and means nothing
      const double total =
          static_cast<double>(sum.total) + (sum.lost == sum.lost ? static_cast<double>(sum.lost) : 0.0);
      work.at<T>(0)[at.whole * s.m + c] = Narrow<T>::of(finish(kind, total, s.count(), peak));
    }
  }
}

#define DSNK_FLOATS(type, T)                                                                              \
  DSNK_ENTRY(256, 3, reduce_rows_##type, ReduceParams) { reduceRows<WarpTeam, T>(work, params); }         \
  DSNK_ENTRY(256, 3, reduce_long_rows_##type, ReduceParams) { reduceRows<BlockTeam, T>(work, params); }   \
  DSNK_ENTRY(256, 3, reduce_columns_##type, ReduceParams) { reduceColumns<ColumnEach, T>(work, params); } \
  DSNK_ENTRY(256, 3, reduce_high_columns_##type, ReduceParams) { reduceColumns<ColumnShared, T>(work, params); }
DSNK_FLOATS(f32, float)
DSNK_FLOATS(f16, half)
DSNK_FLOATS(bf16, bfloat)
#undef DSNK_FLOATS

// Integers: a thread an output.
template <class T>
__device__ __forceinline__ T fromDouble(double d) {
  if (d != d) return T{0};
  if (d <= static_cast<double>(kLowest<T>)) return kLowest<T>;
  if (d >= static_cast<double>(kHighest<T>)) return kHighest<T>;
  return static_cast<T>(d);
}

template <class T>
__device__ __forceinline__ T reduceWhole(const Shape& s, Reduction kind, const T* x) {
  using Wide = std::conditional_t<std::is_signed<T>::value, int64_t, uint64_t>;
  const auto each = [&](auto visit) {
    for (int64_t i = 0; i < s.reduced.count; i++) {
      const T* row = x + s.reduced.offset(i);
      for (int64_t k = 0; k < s.n; k++) visit(row[k]);
    }
  };
  uint64_t sum = 0;
  switch (kind) {
    case Reduction::max: {
      T best = kLowest<T>;
      each([&](T v) { best = best < v ? v : best; });
      return best;
    }
    case Reduction::min: {
      T best = kHighest<T>;
      each([&](T v) { best = v < best ? v : best; });
      return best;
    }
    case Reduction::prod: {
      uint64_t product = 1;
      each([&](T v) { product *= static_cast<uint64_t>(v); });
      return static_cast<T>(product);
    }
    case Reduction::logSumExp: {
      double peak = -static_cast<double>(infinity()), total = 0;
      each([&](T v) { peak = peak < static_cast<double>(v) ? static_cast<double>(v) : peak; });
      if (peak - peak != 0) return fromDouble<T>(peak);
      each([&](T v) { total += exp(static_cast<double>(v) - peak); });
      return fromDouble<T>(log(total) + peak);
    }
    case Reduction::l1:
      each([&](T v) { sum += isNegative(v) ? uint64_t{0} - static_cast<uint64_t>(v) : static_cast<uint64_t>(v); });
      break;
    case Reduction::l2:
    case Reduction::sumSquare: each([&](T v) { sum += static_cast<uint64_t>(v) * static_cast<uint64_t>(v); }); break;
    default: each([&](T v) { sum += static_cast<uint64_t>(v); });
  }
  const double total = static_cast<double>(static_cast<Wide>(sum));
  switch (kind) {
    case Reduction::mean: return fromDouble<T>(total / static_cast<double>(s.count()));
    case Reduction::l2: return fromDouble<T>(sqrt(total));
    case Reduction::logSum: return fromDouble<T>(log(total));
    default: return static_cast<T>(sum);
  }
}

template <class T>
__device__ __forceinline__ void reduceIntegers(const GpuWork& work, const ReduceParams& params) {
  __shared__ Shape s;
  s.set(params);
  for (int64_t i = firstIndex(); i < s.kept.count * s.m; i += indexStep()) {
    const Quotient at = divide(i, s.m > 0 ? s.m : 1);
    work.at<T>(0)[i] =
        reduceWhole<T>(s, static_cast<Reduction>(params.kind), work.at<const T>(1) + s.kept.offset(at.whole) + at.rest);
  }
}
DSNK_ENTRY(256, 3, reduce_i32, ReduceParams) { reduceIntegers<int32_t>(work, params); }
DSNK_ENTRY(256, 3, reduce_i64, ReduceParams) { reduceIntegers<int64_t>(work, params); }
DSNK_ENTRY(256, 3, reduce_u8, ReduceParams) { reduceIntegers<uint8_t>(work, params); }
DSNK_ENTRY(256, 3, reduce_i8, ReduceParams) { reduceIntegers<int8_t>(work, params); }

}  // namespace dsnk
