// What products of bytes are as products in narrow numbers, for the contracts and for the kernels.
#pragma once
#include "kernels/integer/params.gen.h"
#include "kernels/narrow/product.h"

namespace dsnk {

// Bytes, four to a word; where kr is 2, bytes widened to 16 bits, two to a word.
constexpr int64_t integerWidth(int64_t kr) { return kr == 2 ? 2 : 1; }

// Rows of a that are `stride` bytes apart can be read where they are when they are whole words. Tiles take 64 bytes at
// a time of 16 rows, whether all of them are there or not, and so take a copy; so do rows that share too few sets of a
// cache.
inline bool staysInPlace(int64_t m, int64_t k, int64_t stride, int64_t kr) {
  return kr == 4 && k > 0 && k % 4 == 0 && stride % 4 == 0 && (stride % 2048 != 0 || m < 4 || k < 128);
}

inline NarrowProduct integerProductOf(const IntegerGemmParams& p, int64_t nr, int64_t kr) {
  NarrowProduct r{1, p.m, p.n, p.k, nr, kr, integerWidth(kr), /*sumsFitY=*/false};
  r.inPlace = staysInPlace(p.m, p.k, p.lda, kr);
  return r;
}

inline NarrowProduct integerProductOf(const IntegerConvolutionParams& p, int64_t nr, int64_t kr) {
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2], inPerGroup = p.channels / p.group;
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  NarrowProduct r{p.group, pixels, p.outChannels / p.group, taps * inPerGroup,
                  nr,      kr,     integerWidth(kr),        /*sumsFitY=*/false};
  bool plain = taps == 1;
  for (int d = 0; d < 3; d++) plain = plain && p.strides[d] == 1 && p.pads[d] == 0 && p.inSize[d] == p.outSize[d];
  r.inPlace = plain && staysInPlace(pixels, inPerGroup, p.channels, kr);
  return r;
}

}  // namespace dsnk
