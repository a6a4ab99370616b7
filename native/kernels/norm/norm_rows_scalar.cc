// Computes  what norm_rows.inl does, for float64, float16, bfloat16
// Shapes    as norm_rows.inl; mean and inverse deviation are float32
// Numerics  in double, rounded once to the element type (x + skip is rounded first where it is written)
// Tiling    whole rows
// Packing   none
// Source    none
#include <cmath>

#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {
namespace {

template <class T>
Fault normGeneric(const Work& w) {
  using E = Element<T>;
  const auto& p = w.as<NormRowsParams>();
  const bool rms = static_cast<RowNorm>(p.kind) == RowNorm::rms;
  const Range part = tileRange(p.rows, w.tile, w.tiles);
  const auto load = [](const T* a, int64_t i) { return static_cast<double>(E::load(a[i])); };
  const auto store = [](double v) { return E::store(static_cast<typename E::Wide>(v)); };
  for (int64_t row = part.begin; row < part.end; row++) {
    const T* x = w.at<T>(4) + row * p.n;
    T* y = w.at<T>(0) + row * p.n;
    if (w.at<T>(3) || w.at<T>(5) || w.at<T>(6)) {
      T* s = w.at<T>(3) ? w.at<T>(3) + row * p.n : y;
      for (int64_t i = 0; i < p.n; i++) {
        double v = load(x, i);
        if (w.at<T>(5)) v += load(w.at<T>(5) + (row % p.skipRows) * p.n, i);
        if (w.at<T>(6)) v += load(w.at<T>(6), i);
        s[i] = store(v);
      }
      x = s;
    }
    const auto n = static_cast<double>(p.n);
    double mean = 0, square = 0;
    if (!rms) {
      for (int64_t i = 0; i < p.n; i++) mean += load(x, i);
      mean /= n;
    }
    for (int64_t i = 0; i < p.n; i++) square += (load(x, i) - mean) * (load(x, i) - mean);
    const double inverse = 1 / std::sqrt(square / n + static_cast<double>(p.epsilon));
    if (w.at<float>(1)) w.at<float>(1)[row] = static_cast<float>(mean);
    if (w.at<float>(2)) w.at<float>(2)[row] = static_cast<float>(inverse);
    const int64_t first = (row % p.period) * (p.n / p.segment);
    for (int64_t i = 0; i < p.n; i++) {
      double v = (load(x, i) - mean) * inverse;
      if (w.at<T>(7)) v *= load(w.at<T>(7), first + i / p.segment);
      if (w.at<T>(8)) v += load(w.at<T>(8), first + i / p.segment);
      y[i] = store(v);
    }
  }
  return Fault::none;
}

}  // namespace

Fault norm_rows_f64_scalar(const Work& w) { return normGeneric<double>(w); }
Fault norm_rows_f16_scalar(const Work& w) { return normGeneric<F16>(w); }
Fault norm_rows_bf16_scalar(const Work& w) { return normGeneric<BF16>(w); }

}  // namespace dsnk
