// What must hold of the shape of a convolution, whatever its element types: of every number but what an epilogue reads.
#pragma once
#include "kernels/kernel.h"
#include "kernels/pixels.h"

namespace dsnk {

// Operands 0 and 1 are y and x. `pixels` becomes the output pixels of the batch, which are sound.
template <class P>
inline const char* convVerifyGeometry(const P& p, const Check& c, Size xBytes, Size yBytes, Size& pixels) {
  if (p.outChannels < 0) return "sizes must not be negative";
  Size in(0), out(0), taps(0);
  if (const char* wrong = verifyWindow<3>(p, in, out, taps)) return wrong;
  if (p.group < 1 || p.channels % p.group || p.outChannels % p.group) return "group must divide both channel counts";
  if (!taps.fits(1 << 20)) return "kernel must have at most 2^20 taps";
  if (!(in * p.channels * xBytes).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (const char* wrong = verifyPixels(out, p.outChannels, p.ldc, yBytes, c.operandBytes[0])) return wrong;
  if (!(taps * (p.channels / p.group)).fits(1u << 30)) return "depth must be below 2^30";
  pixels = out;
  return nullptr;
}

}  // namespace dsnk
