// What products of bytes are as products in narrow numbers, for the contracts and for the kernels.
#pragma once
#include "kernels/integer/params.gen.h"
#include "kernels/narrow/product.h"

namespace dsnk {

// What a row of the table says of its operands.
struct IntegerRow {
  int64_t nr, kr;
  Isa isa;
  explicit constexpr IntegerRow(const Kernel& k) : nr(k.nr), kr(k.kr), isa(k.isa) {}
  constexpr IntegerRow(int64_t columns, int64_t group, Isa with) : nr(columns), kr(group), isa(with) {}
};

// Numbers of k that stand together in a column: as many as one step of the row multiplies. Quads are also the order of
// the tiles of AMX (kr 64).
constexpr int64_t integerGroup(int64_t kr) { return kr == 2 || kr == 8 || kr == 16 ? kr : 4; }
// Bytes of a number: where kr is 2, bytes are widened to 16 bits.
constexpr int64_t integerWidth(int64_t kr) { return kr == 2 ? 2 : 1; }

// Bytes in front of a panel: where kr is 16, the first one says whether the panel has a weight of -128.
constexpr int64_t integerHead(int64_t kr) { return kr == 16 ? 16 : 0; }

// NEON has products of signed bytes, and of an unsigned and a signed one only with I8MM: rows of the others take a - 128
// for a, so that for integer_pack a's zero point is 128 less.
constexpr bool takesSigned(Isa isa) { return isa == Isa::neon || isa == Isa::neona53 || isa == Isa::dotprod; }
constexpr int kSignedZero = 128;

// Rows of a unit of m on ARM, whose tiles have 8 rows or fewer, and bytes of copied rows: a quarter of the L2 of a
// Cortex-A76 (512 KB on a Raspberry Pi 5) or A53 (Pi 3), half of that of a Cortex-A78AE (256 KB on Orin).
constexpr int64_t kArmUnitRows = 16, kArmRowBytes = 128 * 1024;

// Rows of a that are `stride` bytes apart can be read where they are when they are whole words. Tiles take 64 bytes at
// a time of 16 rows, whether all of them are there or not, and so take a copy; so do rows that share too few sets of a
// cache.
inline bool staysInPlace(int64_t m, int64_t k, int64_t stride, const IntegerRow& row) {
  const int64_t kr = row.kr;
  return (kr == 4 || kr == 8) && !takesSigned(row.isa) && k > 0 && k % kr == 0 && stride % 4 == 0 &&
         (stride % 2048 != 0 || m < 4 || k < 128);
}

inline NarrowProduct integerProductFor(const IntegerRow& row, int64_t batch, int64_t m, int64_t n, int64_t k) {
  NarrowProduct r{batch, m, n, k, row.nr, row.kr, integerWidth(row.kr), /*sumsFitY=*/false};
  r.head = integerHead(row.kr);
  if (row.isa >= Isa::neon) {
    r.unit = kArmUnitRows;
    r.cacheBytes = kArmRowBytes;
  }
  return r;
}

inline NarrowProduct integerProductOf(const IntegerGemmParams& p, const IntegerRow& row) {
  NarrowProduct r = integerProductFor(row, 1, p.m, p.n, p.k);
  r.inPlace = staysInPlace(p.m, p.k, p.lda, row);
  return r;
}

inline NarrowProduct integerProductOf(const IntegerConvolutionParams& p, const IntegerRow& row) {
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2], inPerGroup = p.channels / p.group;
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  NarrowProduct r = integerProductFor(row, p.group, pixels, p.outChannels / p.group, taps * inPerGroup);
  bool plain = taps == 1;
  for (int d = 0; d < 3; d++) plain = plain && p.strides[d] == 1 && p.pads[d] == 0 && p.inSize[d] == p.outSize[d];
  r.inPlace = plain && staysInPlace(pixels, inPerGroup, p.channels, row);
  return r;
}

}  // namespace dsnk
