// Computes  packed[i, j/nr, k/2, j%nr, k%2] = r(b[i, k, j]) for k = (outer, inner), zeros for j ≥ n and k ≥ outer·inner;
//           packed[i, j/8, k, j%8] where nr is 8, for products that take k apart (gemm_16_sm90.cu)
// Shapes    packed: bfloats [count, ⌈n/nr⌉, kr·⌈K/kr⌉/2, nr, 2]; b: float32, element (i, outer, inner, j) at
//           i·stride + outer·strideOuter + inner·strideInner + j·strideN
// Numerics  round to nearest even, denormals become zeros (convert.h)
// Tiling    a tile is a run of panels
// Packing   this is it; the picture stands in product.inl
// Source    none
#include "kernels/bfloat/convert.h"
#include "kernels/narrow/pack.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) { return narrowPackVerify(c, /*headOfColumn=*/0); }

extern const Contract bfloat_pack_contract{"bfloat_pack",   "wr",   0, sizeof(NarrowPackParams), false, verify,
                                           narrowPackTiles, nullptr};

Fault bfloat_pack_scalar(const Work& w) {
  const auto& p = w.as<NarrowPackParams>();
  eachPanel(w, /*headOfColumn=*/0, [&](const float* from, int64_t columns, uint16_t* to) {
    eachNumber(p, from, columns, [&](int64_t i, int64_t j, float x) {
      to[p.nr == 8 ? i * 8 + j : (i / 2 * p.nr + j) * 2 + i % 2] = flushedBfloat(x);
    });
  });
  return Fault::none;
}

}  // namespace dsnk
