// Where compressed weights stand. Of every four k of a row two are kept; sixteen positions of two bits, those of 32 k, are
// one word: position i of the block in bits 2i and 2i + 1, in ascending order of k (the metadata of PTX mma.sp). Rows
// stand in panels of nr, filled up with zeros:
//
//   a block of floats: [nr words] [16][nr values]      a block of bytes: [nr words] [4 quads][nr][4 values]
//
// In a panel of bytes the 4x4 positions of a word stand transposed, so that one shift brings those of a quad into the
// low bits of its four bytes. Apart (for GPUs, nr 1): all values [n][k/2], then all words [n][k/32], none transposed.
#pragma once
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/sparse/params.gen.h"

namespace dsnk {

constexpr int64_t kSparseBlock = 32, kSparseKept = kSparseBlock / 2;

inline int64_t sparseBlocks(int64_t k) { return ceilDiv(k, kSparseBlock); }
inline int64_t sparseBlockBytes(int64_t nr, int64_t elementBytes) { return nr * (4 + kSparseKept * elementBytes); }
inline int64_t sparsePanelBytes(int64_t k, int64_t nr, int64_t elementBytes) {
  return sparseBlocks(k) * sparseBlockBytes(nr, elementBytes);
}

// What every kernel that reads dense weights checks: dimensions, strides, and that the operand holds them.
template <class P>
inline const char* sparseWeightsVerify(const P& p, const Check& c, uint32_t operand, int64_t elementBytes) {
  for (int64_t n : {p.count, p.n, p.outer, p.inner}) {
    if (!isDim(n)) return "dimensions must be in [0, 2^40]";
  }
  for (int64_t s : {p.stride, p.strideN, p.strideOuter, p.strideInner}) {
    if (!isStride(s)) return "strides must be in [0, 2^48]";
  }
  if (p.inner % 4 != 0) return "inner k must be whole fours";
  const Size k = Size(p.outer) * Size(p.inner);
  if (!k.fits(kMaxDim)) return "k must be at most 2^40";
  const Size numbers = Size(p.count) * Size(p.n) * k;
  if (numbers.bad()) return "weights must not overflow";
  if (numbers.value() == 0) return nullptr;
  const Size reach = Size(p.count - 1) * Size(p.stride) + Size(p.n - 1) * Size(p.strideN) +
                     Size(p.outer - 1) * Size(p.strideOuter) + Size(p.inner - 1) * Size(p.strideInner) + Size(1);
  if (!(reach * Size(elementBytes)).fits(c.operandBytes[operand])) return "weights must hold their strides";
  // Bounds the work by what there is.
  return (numbers * Size(elementBytes)).fits(c.operandBytes[operand]) ? nullptr : "weights must not overlap";
}

// Of bytes: what their bias, with the zero point folded in, must be, and its columns column … column + columns of matrix i.
const char* sparseFoldedVerify(const SparseCompressParams& p, const Check& c);
void sparseFold(const Work& w, const SparseCompressParams& p, int64_t i, int64_t column, int64_t columns);

// The two of four that are kept, ascending. False where there are more.
struct SparsePair {
  int first, second;
};
inline bool sparsePair(unsigned kept, SparsePair& pair) {
  if (__builtin_popcount(kept) > 2) return false;
  if (kept == 0) kept = 0b1001;
  if (__builtin_popcount(kept) == 1) kept |= kept == 0b1000 ? 1 : 0b1000;
  pair.first = __builtin_ctz(kept);
  pair.second = 31 - __builtin_clz(kept);
  return true;
}

}  // namespace dsnk
