// Computes  softmax, its logarithm or hardmax for float64, float16, bfloat16
// Shapes    y, x: [outer, n, inner]
// Numerics  in double, rounded once to the element type; NaN passes
// Tiling    whole columns of the axis
// Packing   none
// Source    none
#include <cmath>

#include "kernels/axis.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/softmax/params.gen.h"

namespace dsnk {
namespace {

template <class T>
void softmaxColumn(SoftmaxKind kind, const T* x, T* y, int64_t n, int64_t step) {
  using E = Element<T>;
  const auto in = [&](int64_t i) { return static_cast<double>(E::load(x[i * step])); };
  const auto out = [&](int64_t i, double v) { y[i * step] = E::store(static_cast<typename E::Wide>(v)); };
  double peak = -HUGE_VAL;
  int64_t first = 0;
  for (int64_t i = 0; i < n; i++) {
    const double v = in(i);
    if (peak == peak && (peak < v || v != v)) {
      peak = v;
      first = i;
    }
  }
  if (kind == SoftmaxKind::hardmax) {
    for (int64_t i = 0; i < n; i++) out(i, i == first ? 1 : 0);
    return;
  }
  double total = 0;
  for (int64_t i = 0; i < n; i++) total += std::exp(in(i)-peak);
  const double log = std::log(total);
  for (int64_t i = 0; i < n; i++) {
    const double d = in(i)-peak;
    out(i, kind == SoftmaxKind::softmax ? std::exp(d) / total : d - log);
  }
}

template <class T>
Fault softmaxGeneric(const Work& w) {
  const auto& p = w.as<SoftmaxParams>();
  AxisTiles(p.outer, p.n, p.inner).each(w.tile, w.tiles, [&](int64_t o, int64_t c, int width) {
    for (int64_t i = c; i < c + width; i++) {
      const int64_t at = o * p.n * p.inner + i;
      softmaxColumn(static_cast<SoftmaxKind>(p.kind), w.at<T>(1) + at, w.at<T>(0) + at, p.n, p.inner);
    }
  });
  return Fault::none;
}

}  // namespace

Fault softmax_f64_scalar(const Work& w) { return softmaxGeneric<double>(w); }
Fault softmax_f16_scalar(const Work& w) { return softmaxGeneric<F16>(w); }
Fault softmax_bf16_scalar(const Work& w) { return softmaxGeneric<BF16>(w); }

}  // namespace dsnk
