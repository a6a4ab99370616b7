// Computes  packed[i, j/nr, k/2, j%nr, k%2] = r(b[i, k, j]) for k = (outer, inner), zeros for j ≥ n and k ≥ outer·inner
// Shapes    packed: bfloats [count, ⌈n/nr⌉, kr·⌈K/kr⌉/2, nr, 2]; b: float32, element (i, outer, inner, j) at
//           i·stride + outer·strideOuter + inner·strideInner + j·strideN
// Numerics  round to nearest even, denormals become zeros (convert.h)
// Tiling    a tile is a run of panels; 64 of inner k a column at a time, so that lines read along k and pairs written
//           along columns both stay in L1
// Packing   this is it; the picture stands in product.inl
// Source    none
#include <cstring>
#include <initializer_list>

#include "kernels/bfloat/convert.h"
#include "kernels/bfloat/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static int64_t paddedK(const BfloatPackParams& p) { return roundUp(p.outer * p.inner, p.kr); }
static int64_t panelsOf(const BfloatPackParams& p) { return paddedK(p) == 0 ? 0 : p.count * ceilDiv(p.n, p.nr); }

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<BfloatPackParams>();
  for (int64_t n : {p.count, p.n, p.outer, p.inner}) {
    if (!isDim(n)) return "dimensions must be in [0, 2^40]";
  }
  for (int64_t s : {p.stride, p.strideN, p.strideOuter, p.strideInner}) {
    if (!isStride(s)) return "strides must be in [0, 2^48]";
  }
  if (p.nr < 1 || p.nr > 256 || p.kr < 2 || p.kr > 256 || p.kr % 2 != 0) return "nr and kr must be 1 … 256, kr even";
  const Size k = Size(p.outer) * Size(p.inner);
  if (!k.fits(kMaxDim)) return "k must be at most 2^40";
  const Size packed = Size(p.count) * Size(roundUp(p.n, p.nr)) * Size(paddedK(p)) * Size(2);
  if (!packed.fits(c.operandBytes[0])) return "output must hold all panels";
  if (packed.value() == 0) return nullptr;
  const Size reach = Size(p.count - 1) * Size(p.stride) + Size(p.n - 1) * Size(p.strideN) +
                     Size(p.outer - 1) * Size(p.strideOuter) + Size(p.inner - 1) * Size(p.strideInner) + Size(1);
  if (!(reach * Size(4)).fits(c.operandBytes[1])) return "b must hold its strides";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const BfloatPackParams*>(params);
  return tilesFor(panelsOf(p), paddedK(p) * p.nr, threads, 64 * 1024);
}

extern const Contract bfloat_pack_contract{"bfloat_pack", "wr",   0,     sizeof(BfloatPackParams),
                                           false,         verify, tiles, nullptr};

Fault bfloat_pack_scalar(const Work& w) {
  const auto& p = w.as<BfloatPackParams>();
  const int64_t panels = ceilDiv(p.n, p.nr), k = p.outer * p.inner, kPadded = paddedK(p);
  const Range range = tileRange(panelsOf(p), w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t column = u % panels * p.nr, columns = p.n - column < p.nr ? p.n - column : p.nr;
    const float* from = w.at<const float>(1) + u / panels * p.stride + column * p.strideN;
    uint16_t* to = w.at<uint16_t>(0) + u * kPadded * p.nr;
    const auto at = [&](int64_t i, int64_t j) -> uint16_t& { return to[(i / 2 * p.nr + j) * 2 + i % 2]; };
    if (columns < p.nr || k < kPadded) std::memset(to, 0, static_cast<size_t>(kPadded * p.nr) * 2);
    constexpr int64_t block = 64;
    for (int64_t o = 0; o < p.outer; o++) {
      for (int64_t i0 = 0; i0 < p.inner; i0 += block) {
        const int64_t end = p.inner - i0 < block ? p.inner : i0 + block;
        for (int64_t j = 0; j < columns; j++) {
          const float* source = from + o * p.strideOuter + j * p.strideN;
          for (int64_t i = i0; i < end; i++) at(o * p.inner + i, j) = flushedBfloat(source[i * p.strideInner]);
        }
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
