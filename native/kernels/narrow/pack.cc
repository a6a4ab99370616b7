#include "kernels/narrow/pack.h"

#include <initializer_list>

namespace dsnk {

const char* narrowPackVerify(const Check& c, int64_t headOfColumn) {
  const auto& p = c.as<NarrowPackParams>();
  for (int64_t n : {p.count, p.n, p.outer, p.inner}) {
    if (!isDim(n)) return "dimensions must be in [0, 2^40]";
  }
  for (int64_t s : {p.stride, p.strideN, p.strideOuter, p.strideInner}) {
    if (!isStride(s)) return "strides must be in [0, 2^48]";
  }
  if (p.nr < 1 || p.nr > 256 || p.kr < 2 || p.kr > 256 || p.kr % 2 != 0) return "nr and kr must be 1 … 256, kr even";
  const Size k = Size(p.outer) * Size(p.inner);
  if (!k.fits(kMaxDim)) return "k must be at most 2^40";
  if (k.value() == 0) return nullptr;
  const Size packed = Size(p.count) * Size(roundUp(p.n, p.nr)) * (Size(packedDepth(p)) + Size(headOfColumn)) * Size(2);
  if (!packed.fits(c.operandBytes[0])) return "output must hold all panels";
  if (packed.value() == 0) return nullptr;
  const Size reach = Size(p.count - 1) * Size(p.stride) + Size(p.n - 1) * Size(p.strideN) +
                     Size(p.outer - 1) * Size(p.strideOuter) + Size(p.inner - 1) * Size(p.strideInner) + Size(1);
  if (!(reach * Size(4)).fits(c.operandBytes[1])) return "b must hold its strides";
  return nullptr;
}

uint32_t narrowPackTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const NarrowPackParams*>(params);
  return tilesFor(packedPanels(p), packedDepth(p) * p.nr, threads, 64 * 1024);
}

}  // namespace dsnk
