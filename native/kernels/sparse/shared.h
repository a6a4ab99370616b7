// Weights whose panels share a mask: of every four k all columns of a panel keep the same two. A panel begins with where they
// stand, filled up to a cache line; the values follow as a dense panel of half the k:
//
//   floats: [words of positions, as in layout.h] [k/2][columns]
//   bytes:  [picks] [quads of kept k][nr][4], or pairs of 16-bit numbers where kr is 2
//
// Floats are read where they stand, one kept k after the other. Kept bytes are picked from a row of a, 16 bytes giving 8:
// two vectors of `w` bytes become one, whose lanes have 8 bytes of either, so that no byte changes its lane; values stand in
// that order, and so do the picks, the number of each byte in its sixteen: whatever they say, no other byte is read. w is 64, 32 or 16: the vectors of the row, and smaller ones for what is left of 32 k and more.
#pragma once
#include "kernels/conv/plan.h"
#include "kernels/integer/product.h"
#include "kernels/sparse/layout.h"

namespace dsnk {

// Words of positions in front of a panel.
inline int64_t sharedWords(int64_t k) { return roundUp(sparseBlocks(k), 16); }

// Numbers of a row of floats of one group: all panels of it.
inline int64_t sharedFloats(int64_t k, const Panels& panels) {
  return panels.count * sharedWords(k) + k / 2 * panels.vectors * panels.lanes;
}
inline int64_t sharedPanelStart(int64_t k, const Panels& panels, int64_t panel) {
  return panel * sharedWords(k) + k / 2 * panels.startVector(panel) * panels.lanes;
}

// Kept bytes: how many of a row of k, and bytes of a panel.
inline int64_t sharedDepth(int64_t k) { return sparseBlocks(k) * kSparseKept; }
inline int64_t sharedHead(int64_t k, int64_t width) { return roundUp(sharedDepth(k) * width, 64); }
inline int64_t sharedPanelBytes(int64_t k, int64_t nr, int64_t width) {
  return sharedHead(k, width) + sharedDepth(k) * nr * width;
}
// Numbers from row to row of kept ones: an odd count of cache lines.
inline int64_t sharedRow(int64_t k, int64_t width) {
  const int64_t line = 64 / width;
  return roundUp(sharedDepth(k), line) | line;
}
// Most rows of a tile.
constexpr int64_t kSharedRows = 14;

// Position of kept number i.
inline int sharedPosition(const uint32_t* words, int64_t i) {
  return static_cast<int>(words[i / kSparseKept] >> 2 * (i % kSparseKept) & 3);
}

// each(block, w): blocks of 2w bytes of a row that become w kept ones, from byte 2·`block` and `block` on.
template <class Each>
inline void sharedPicks(int64_t rowBytes, int64_t vectorBytes, const Each& each) {
  for (int64_t at = 0; at < rowBytes;) {
    int64_t w = vectorBytes;
    while (w > 16 && 2 * w > rowBytes - at) w /= 2;
    each(at / 2, w);
    at += 2 * w;
  }
}

// unit(kept, from): eights of kept bytes in the order of values, and the sixteens of a row that they come from.
template <class Unit>
inline void sharedUnits(int64_t rowBytes, int64_t vectorBytes, const Unit& unit) {
  sharedPicks(rowBytes, vectorBytes, [&](int64_t block, int64_t w) {
    const int64_t lanes = w / 16;
    for (int64_t i = 0; i < 2 * lanes; i++) unit(block / 8 + i, block / 8 + i / 2 + i % 2 * lanes);
  });
}

inline NarrowProduct sharedProductOf(const IntegerConvolutionParams& p, const IntegerRow& row) {
  NarrowProduct r = integerProductOf(p, row);
  // Picking reads whole blocks.
  r.inPlace = r.inPlace && r.k % kSparseBlock == 0;
  return r;
}

}  // namespace dsnk
