// Computes  y = x with a border of a value, or of elements that the mode names: see pad.cc
// Shapes    as there
// Numerics  bit-equal
// Tiling    a thread an element of y
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/pad/params.gen.h"

namespace dsnk {

// The position in [0, n) that stands for i; -1 where the constant does.
__device__ __forceinline__ int64_t sourceOf(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::constant) return -1;
  if (mode == PadMode::edge) return i < 0 ? 0 : n - 1;
  if (mode == PadMode::reflect && n == 1) return 0;
  const int64_t period = mode == PadMode::wrap ? n : 2 * (n - 1);
  int64_t at = i % period;
  if (at < 0) at += period;
  return at < n ? at : period - at;
}

DSNK_ENTRY(256, 0, pad, PadParams) {
  const auto mode = static_cast<PadMode>(params.mode);
  int64_t count = 1, kept = 1;
  for (int32_t d = 0; d < params.rank; d++) {
    count *= params.before[d] + params.dims[d] + params.after[d];
    kept = params.dims[d] == 0 ? 0 : kept;  // then strides have not been checked
  }
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    T value{};
    if (params.hasValue != 0) value = *work.at<const T>(2);
    for (int64_t k = firstIndex(); k < count; k += indexStep()) {
      int64_t rest = k, from = params.offset;
      bool outside = kept == 0;
      for (int32_t d = params.rank - 1; d >= 0 && !outside; d--) {
        const Quotient at = divide(rest, params.before[d] + params.dims[d] + params.after[d]);
        rest = at.whole;
        const int64_t i = sourceOf(at.rest - params.before[d], params.dims[d], mode);
        outside = i < 0;
        from += i * params.strides[d];
      }
      work.at<T>(0)[k] = outside ? value : work.at<const T>(1)[from];
    }
  });
}

}  // namespace dsnk
