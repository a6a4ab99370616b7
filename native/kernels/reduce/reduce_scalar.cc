// Computes  y[k] = finish(Σ or max or min or Π over r of map(x[k, r])) for the element types without vector rows
// Shapes    as reduce.inl
// Numerics  integers wrap, as two's complement does; float16, bfloat16 and float64 in double with a two-sum, one
//           rounding to the element type at the end; means and roots of integers are computed in double and cut towards
//           zero
// Tiling    whole outputs, never a part of a sum
// Packing   none
// Source    none
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/reduce/params.gen.h"
#include "kernels/reduce/shape.h"
#include "kernels/sizes.h"

namespace dsnk {
namespace {

template <class T>
constexpr bool isFloating = !std::is_integral_v<T>;

// Integers are summed as unsigned 64-bit, where overflow is defined; floats in double.
template <class T>
struct Fold {
  using Wide = std::conditional_t<isFloating<T>, double, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
  static Wide load(T x) { return static_cast<Wide>(Element<T>::load(x)); }
  static T store(Wide x) { return Element<T>::store(static_cast<typename Element<T>::Wide>(x)); }
};

template <class W>
W add(W a, W b) {
  if constexpr (std::is_integral_v<W>)
    return static_cast<W>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return a + b;
}
template <class W>
W multiply(W a, W b) {
  if constexpr (std::is_integral_v<W>)
    return static_cast<W>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return a * b;
}

// A double that came out of integer arithmetic, as an element: saturating, so that the conversion is defined.
template <class T>
T fromDouble(double d) {
  if constexpr (isFloating<T>) {
    return Fold<T>::store(d);
  } else {
    if (d != d) return 0;
    if (d <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (d >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(d);
  }
}

// Calls visit(x) for every element of one output, in row-major order of the reduced dimensions.
template <class T, class F>
void eachReduced(const ReduceShape& s, const T* x, F visit) {
  ReducedWalk at(s.reduced, 0);
  for (int64_t i = 0; i < s.reduced.count; i++, at.next()) {
    const T* row = x + at.offset();
    for (int64_t j = 0; j < s.n; j++) visit(Fold<T>::load(row[j]));
  }
}

template <class T>
T reduceOne(const ReduceShape& s, Reduction kind, const T* x) {
  using W = typename Fold<T>::Wide;
  const bool isMax = kind == Reduction::max;
  if (isMax || kind == Reduction::min || kind == Reduction::logSumExp) {
    double peak = -HUGE_VAL;
    if (kind != Reduction::logSumExp) {
      if constexpr (isFloating<T>) {
        double best = isMax ? -HUGE_VAL : HUGE_VAL;
        eachReduced(s, x, [&](W v) {
          if (v != v || (isMax ? best < v : v < best)) best = v;
        });
        return Fold<T>::store(best);
      } else {
        W best = isMax ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
        eachReduced(s, x, [&](W v) {
          if (isMax ? best < v : v < best) best = v;
        });
        return static_cast<T>(best);
      }
    }
    eachReduced(s, x, [&](W v) {
      const auto d = static_cast<double>(v);
      if (d != d || peak < d) peak = d;
    });
    if (peak - peak != 0) return fromDouble<T>(peak);
    double sum = 0;
    eachReduced(s, x, [&](W v) { sum += std::exp(static_cast<double>(v) - peak); });
    return fromDouble<T>(std::log(sum) + peak);
  }
  if (kind == Reduction::prod) {
    W product = 1;
    eachReduced(s, x, [&](W v) { product = multiply(product, v); });
    return Fold<T>::store(product);
  }
  W sum = 0;
  W lost = 0;
  const bool squared = kind == Reduction::l2 || kind == Reduction::sumSquare;
  const bool absolute = kind == Reduction::l1;
  eachReduced(s, x, [&](W v) {
    if (squared) v = multiply(v, v);
    if constexpr (std::is_signed_v<W>) {
      if (absolute && v < 0) v = multiply(v, static_cast<W>(-1));
    }
    const W t = add(sum, v);
    if constexpr (!std::is_integral_v<W>) {
      const W b = t - sum;
      lost += (sum - (t - b)) + (v - b);
    }
    sum = t;
  });
  if constexpr (!std::is_integral_v<W>) {
    if (lost == lost) sum += lost;
  }
  switch (kind) {
    case Reduction::mean: return fromDouble<T>(static_cast<double>(sum) / static_cast<double>(s.count()));
    case Reduction::l2: return fromDouble<T>(std::sqrt(static_cast<double>(sum)));
    case Reduction::logSum: return fromDouble<T>(std::log(static_cast<double>(sum)));
    default: return Fold<T>::store(sum);
  }
}

template <class T>
Fault reduceGeneric(const Work& w) {
  const auto& p = w.as<ReduceParams>();
  const ReduceShape s(p);
  const auto kind = static_cast<Reduction>(p.kind);
  T* y = w.at<T>(0);
  const T* x = w.at<T>(1);
  // the tiles of the contract: strips of columns, or rows
  const int64_t strips = s.columns ? ceilDiv(s.m, kReduceWide) : 1;
  const Range part = tileRange(s.kept.count * strips, w.tile, w.tiles);
  if (part.begin >= part.end) return Fault::none;
  ReducedWalk at(s.kept, part.begin / strips);
  int64_t strip = part.begin % strips, row = part.begin / strips;
  for (int64_t i = part.begin; i < part.end; i++) {
    const int64_t first = s.columns ? strip * kReduceWide : 0;
    const int64_t last = s.columns ? (first + kReduceWide < s.m ? first + kReduceWide : s.m) : 1;
    for (int64_t c = first; c < last; c++) y[row * s.m + c] = reduceOne(s, kind, x + at.offset() + c);
    if (++strip == strips) {
      strip = 0;
      row++;
      at.next();
    }
  }
  return Fault::none;
}

}  // namespace

Fault reduce_f64_scalar(const Work& w) { return reduceGeneric<double>(w); }
Fault reduce_f16_scalar(const Work& w) { return reduceGeneric<F16>(w); }
Fault reduce_bf16_scalar(const Work& w) { return reduceGeneric<BF16>(w); }
Fault reduce_i32_scalar(const Work& w) { return reduceGeneric<int32_t>(w); }
Fault reduce_i64_scalar(const Work& w) { return reduceGeneric<int64_t>(w); }
Fault reduce_u32_scalar(const Work& w) { return reduceGeneric<uint32_t>(w); }
Fault reduce_u64_scalar(const Work& w) { return reduceGeneric<uint64_t>(w); }
Fault reduce_i8_scalar(const Work& w) { return reduceGeneric<int8_t>(w); }
Fault reduce_u8_scalar(const Work& w) { return reduceGeneric<uint8_t>(w); }
Fault reduce_bool_scalar(const Work& w) { return reduceGeneric<uint8_t>(w); }

}  // namespace dsnk
