// Where the bits of packed weights lie, for the contracts and for the kernels.
#pragma once
#include "kernels/lowbit/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int64_t kLowBitUnit = 16;
constexpr int64_t kLowBitGroup = 256;
// Rows of floats from which on weights become floats first, so many k at a time.
constexpr int64_t kLowBitManyRows = 16, kLowBitBlock = 256;

// A panel is nr columns; of each group of k first the scales, then the zero points if there are any, then its units. A
// unit is 16 k of all columns in as many vectors of nr/2 words as a code has bits.
struct LowBitShape {
  int64_t n, k, group;
  int bits, zeros;
  int64_t nr;

  int64_t groups() const { return ceilDiv(k, group); }
  int64_t kPadded() const { return roundUp(k, kLowBitUnit); }
  int64_t unitBytes() const { return bits * nr * 2; }
  int64_t headBytes() const { return nr * 4 * (1 + zeros); }
  int64_t blockBytes() const { return headBytes() + group / kLowBitUnit * unitBytes(); }
  // The last group may be a short one.
  int64_t panelBytes() const { return roundUp(groups() * headBytes() + kPadded() / kLowBitUnit * unitBytes(), 64); }
  int64_t panels() const { return ceilDiv(n, nr); }
};

template <class P>
inline LowBitShape lowBitShape(const P& p, int64_t nr) {
  return {p.n, p.k, p.group, p.bits, p.zeros, nr};
}

// A part of y: rows and columns.
struct LowBitPart {
  Range rows, panels;
};

// Panels are split first: a tile reads its panels once, and all of its rows for each of them.
inline uint32_t lowBitPanelTiles(int64_t panels, uint32_t tiles) {
  uint32_t best = 1;
  for (uint32_t t = 1; t <= tiles && t <= panels; t++) {
    if (tiles % t == 0) best = t;
  }
  return best;
}

inline LowBitPart lowBitPart(int64_t m, int64_t panels, int64_t rowGrain, uint32_t tile, uint32_t tiles) {
  const uint32_t across = lowBitPanelTiles(panels, tiles), down = tiles / across;
  return {tileRange(m, tile / across, down, rowGrain), tileRange(panels, tile % across, across)};
}

}  // namespace dsnk
