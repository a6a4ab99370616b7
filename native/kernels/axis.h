// Work along the middle axis of [outer, n, inner]: whole rows where inner is 1, else strips of columns.
#pragma once
#include <cstdint>

#include "kernels/sizes.h"

namespace dsnk {

// Bytes of an element, from a row's dtypes ("f32", "i8", "bf16"; "bool" is one byte).
inline int64_t elementBytes(const char* dtype) {
  while (*dtype && (*dtype < '0' || *dtype > '9')) dtype++;
  int64_t bits = 0;
  for (; *dtype >= '0' && *dtype <= '9'; dtype++) bits = bits * 10 + (*dtype - '0');
  return bits == 0 ? 1 : bits / 8;
}

struct AxisTiles {
  int64_t outer, n, inner, strip, strips;

  // The product of the three must have been checked.
  // 64 columns: 4 zmm or 8 ymm.
  AxisTiles(int64_t o, int64_t n_, int64_t i, int64_t columns = 64)
      : outer(o), n(n_), inner(i), strip(columns), strips(ceilDiv(i, columns)) {}

  uint32_t count(uint32_t threads, int64_t costPerElement) const {
    if (outer == 0 || n == 0 || inner == 0) return 0;
    return tilesFor(outer * strips, n * (inner < strip ? inner : strip) * costPerElement, threads);
  }

  // Calls work(outer index, first column, columns) for every part of a tile.
  template <class F>
  void each(uint32_t tile, uint32_t tiles, F work) const {
    const Range part = tileRange(outer * strips, tile, tiles);
    for (int64_t i = part.begin; i < part.end; i++) {
      const int64_t o = i / strips, c = (i % strips) * strip;
      work(o, c, static_cast<int>(inner - c < strip ? inner - c : strip));
    }
  }
};

}  // namespace dsnk
