// What must hold of channels-last images, whatever is computed from them: for Contract::verify.
#pragma once
#include "kernels/sizes.h"

namespace dsnk {

// Sizes, kernel, strides and, where there are any, dilations of `axes` spatial dimensions. `in` and `out` become the
// pixels of the batch, `taps` those of the kernel.
template <int axes, class P>
inline const char* verifyWindow(const P& p, Size& in, Size& out, Size& taps) {
  if (p.batch < 0 || p.channels < 0) return "sizes must not be negative";
  in = out = p.batch;
  taps = 1;
  for (int a = 0; a < axes; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.kernel[a] < 1 || p.strides[a] < 1) return "kernel and strides must be positive";
    if constexpr (requires { p.dilations; }) {
      if (p.dilations[a] < 1) return "dilations must be positive";
    }
    in = in * p.inSize[a];
    out = out * p.outSize[a];
    taps = taps * p.kernel[a];
  }
  return nullptr;
}

// y: so many pixels, `ldc` elements apart, of which `channels` are written.
inline const char* verifyPixels(Size pixels, int64_t channels, int64_t ldc, Size elementBytes, uint64_t yBytes) {
  if (ldc < channels) return "ldc must be at least the channels of y";
  if (pixels.bad()) return "output must have a sane size";
  if (pixels.value() == 0 || channels == 0) return nullptr;
  const Size last(static_cast<int64_t>(pixels.value()) - 1);
  return ((last * ldc + channels) * elementBytes).fits(yBytes) ? nullptr : "y must hold its pixels, ldc apart";
}

}  // namespace dsnk
