// Computes  y[o,j,l,c] = Σs wH[s,j] · Σt wW[t,l] · x[o, startH[j]+s, startW[l]+t, c] for the element types other than
//           float32
// Shapes    y: T [outer, outH, outW, inner]; x: T [outer, inH, inW, inner]; start: i32 [out]; w: f32 or f64 [taps, out]
// Numerics  float32 sums for f16 and 8 and 16 bits, float64 sums for f64 and 32 bits; results that an integer type
//           cannot hold are cut to its range, fractions towards zero (the cast that ends the ONNX reference)
// Tiling    one output row a unit, every neighbour read where it lies
// Packing   none
// Source    the ONNX operator definition
#include <cmath>
#include <limits>

#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"

namespace dsnk {

// Integers: cut to the range, fractions towards zero.
template <class T, class W>
static T narrow(W v) {
  if constexpr (std::numeric_limits<T>::is_integer) {
    constexpr W low = static_cast<W>(std::numeric_limits<T>::min());
    constexpr W high = static_cast<W>(std::numeric_limits<T>::max());
    if (v != v) return 0;
    if (v <= low) return std::numeric_limits<T>::min();
    return v >= high ? std::numeric_limits<T>::max() : static_cast<T>(v);
  } else {
    return Element<T>::store(v);
  }
}

template <class T, class W>
static Fault resizeTyped(const Work& work) {
  const auto& p = work.as<ResizeParams>();
  const int32_t* const startH = work.at<const int32_t>(2);
  const W* const weightH = work.at<const W>(3);
  const int32_t* const startW = work.at<const int32_t>(4);
  const W* const weightW = work.at<const W>(5);
  const bool extrapolate = p.extrapolate != 0;
  if (p.tapsW > 0 && !startsInside(startW, 0, p.outW, p.inW - p.tapsW, extrapolate)) return Fault::indexOutOfRange;

  const T outside = narrow<T>(static_cast<W>(p.value));
  const int32_t countH = p.tapsH > 0 ? p.tapsH : 1, countW = p.tapsW > 0 ? p.tapsW : 1;
  const Range rows = tileRange(p.outer * p.outH, work.tile, work.tiles);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const int64_t o = r / p.outH, j = r % p.outH;
    if (p.tapsH > 0 && !startsInside(startH, j, j + 1, p.inH - p.tapsH, extrapolate)) return Fault::indexOutOfRange;
    const int64_t row = p.tapsH > 0 ? startH[j] : j;
    for (int64_t l = 0; l < p.outW; l++) {
      const int64_t column = p.tapsW > 0 ? startW[l] : l;
      T* const y = work.at<T>(0) + (r * p.outW + l) * p.inner;
      for (int64_t c = 0; c < p.inner; c++) {
        if (row < 0 || column < 0) {
          y[c] = outside;
          continue;
        }
        W sum = 0;
        for (int32_t s = 0; s < countH; s++) {
          const T* const x = work.at<const T>(1) + ((o * p.inH + row + s) * p.inW + column) * p.inner + c;
          W part = 0;
          for (int32_t t = 0; t < countW; t++) {
            const W v = static_cast<W>(Element<T>::load(x[t * p.inner]));
            part += p.tapsW > 0 ? weightW[t * p.outW + l] * v : v;
          }
          sum += p.tapsH > 0 ? weightH[s * p.outH + j] * part : part;
        }
        y[c] = narrow<T>(sum);
      }
    }
  }
  return Fault::none;
}

Fault resize_f64_scalar(const Work& w) { return resizeTyped<double, double>(w); }
Fault resize_f16_scalar(const Work& w) { return resizeTyped<F16, float>(w); }
Fault resize_u8_scalar(const Work& w) { return resizeTyped<uint8_t, float>(w); }
Fault resize_i8_scalar(const Work& w) { return resizeTyped<int8_t, float>(w); }
Fault resize_i16_scalar(const Work& w) { return resizeTyped<int16_t, float>(w); }
Fault resize_u16_scalar(const Work& w) { return resizeTyped<uint16_t, float>(w); }
Fault resize_i32_scalar(const Work& w) { return resizeTyped<int32_t, double>(w); }
Fault resize_u32_scalar(const Work& w) { return resizeTyped<uint32_t, double>(w); }

}  // namespace dsnk
