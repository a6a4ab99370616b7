// What must hold of the shape of a convolution, whatever its element types: of every number but what an epilogue reads.
#pragma once
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// Operands 0 and 1 are y and x. `pixels` becomes the output pixels of the batch, which are sound.
template <class P>
inline const char* convVerifyGeometry(const P& p, const Check& c, Size xBytes, Size yBytes, Size& pixels) {
  if (p.batch < 0 || p.channels < 0 || p.outChannels < 0) return "sizes must not be negative";
  if (p.group < 1 || p.channels % p.group || p.outChannels % p.group) return "group must divide both channel counts";
  Size in(p.batch), out(p.batch), taps(1);
  for (int a = 0; a < 3; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.kernel[a] < 1 || p.strides[a] < 1 || p.dilations[a] < 1) return "kernel, strides, dilations must be positive";
    in = in * p.inSize[a];
    out = out * p.outSize[a];
    taps = taps * p.kernel[a];
  }
  if (!taps.fits(1 << 20)) return "kernel must have at most 2^20 taps";
  if (p.ldc < p.outChannels) return "ldc must be at least the output channels";
  if (!(in * p.channels * xBytes).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (out.bad()) return "output must have a sane size";
  if (out.value() > 0 && p.outChannels > 0 &&
      !((Size(static_cast<int64_t>(out.value()) - 1) * p.ldc + p.outChannels) * yBytes).fits(c.operandBytes[0]))
    return "y must hold its pixels, ldc apart";
  if (!(taps * (p.channels / p.group)).fits(1u << 30)) return "depth must be below 2^30";
  pixels = out;
  return nullptr;
}

}  // namespace dsnk
