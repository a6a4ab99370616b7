// Packing float32 matrices b[k, n] into panels of nr columns of 16-bit numbers, zeros up to kr and nr: what the packing
// kernels of all element types share. A panel may begin with a head.
#pragma once
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/narrow/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

inline int64_t packedDepth(const NarrowPackParams& p) { return roundUp(p.outer * p.inner, p.kr); }
inline int64_t packedPanels(const NarrowPackParams& p) {
  return packedDepth(p) == 0 ? 0 : p.count * ceilDiv(p.n, p.nr);
}

const char* narrowPackVerify(const Check&, int64_t headOfColumn);
uint32_t narrowPackTiles(const Kernel&, const void* params, uint32_t threads);

// One panel: `columns` of b from `from` on, into `to`, which is cleared where not every number of it will be written.
// Its head is `headOfColumn` numbers for each of the nr columns.
template <class Pack>
void eachPanel(const Work& w, int64_t headOfColumn, const Pack& pack) {
  const auto& p = w.as<NarrowPackParams>();
  const int64_t panels = ceilDiv(p.n, p.nr), k = packedDepth(p), numbers = (k + headOfColumn) * p.nr;
  const Range range = tileRange(packedPanels(p), w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t column = u % panels * p.nr, columns = p.n - column < p.nr ? p.n - column : p.nr;
    uint16_t* to = w.at<uint16_t>(0) + u * numbers;
    if (columns < p.nr || p.outer * p.inner < k) std::memset(to, 0, static_cast<size_t>(numbers) * 2);
    pack(w.at<const float>(1) + u / panels * p.stride + column * p.strideN, columns, to);
  }
}

// put(i, j, b[i, j]), 64 of inner k a column at a time, so that lines read along k and numbers written along columns
// both stay in L1.
template <class Put>
void eachNumber(const NarrowPackParams& p, const float* from, int64_t columns, const Put& put) {
  constexpr int64_t block = 64;
  for (int64_t o = 0; o < p.outer; o++) {
    for (int64_t i0 = 0; i0 < p.inner; i0 += block) {
      const int64_t end = p.inner - i0 < block ? p.inner : i0 + block;
      for (int64_t j = 0; j < columns; j++) {
        const float* source = from + o * p.strideOuter + j * p.strideN;
        for (int64_t i = i0; i < end; i++) put(o * p.inner + i, j, source[i * p.strideInner]);
      }
    }
  }
}

}  // namespace dsnk
