// Computes  packed[i, j/nr, k, j%nr] = r(b[i, k, j]·2^-e(i, j)) for k = (outer, inner), zeros for j ≥ n and
//           k ≥ outer·inner, and scales[i, j/nr, j%nr] = 2^e(i, j) in front of each panel, with e such that the largest
//           magnitude of column j lies in [1/2, 1)
// Shapes    packed: [count, ⌈n/nr⌉] of nr floats (scales) and kr·⌈K/kr⌉·nr halves; b: float32, element (i, outer,
//           inner, j) at i·stride + outer·strideOuter + inner·strideInner + j·strideN
// Numerics  scaling is exact; then round to nearest even, to 2^-25 at most below 2^-14. e is 0 for columns of zeros and
//           where a number is infinite or NaN, and in [-126, 127]
// Tiling    a tile is a run of panels
// Packing   this is it; the picture stands in product.inl
// Source    none
#include "kernels/half/product.h"
#include "kernels/half/scale.h"
#include "kernels/narrow/pack.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  if (const char* wrong = narrowPackVerify(c, kHalfHead)) return wrong;
  return c.as<NarrowPackParams>().nr <= kHalfMostNr ? nullptr : "nr must be at most 64";
}

extern const Contract half_pack_contract{"half_pack",     "wr",   0, sizeof(NarrowPackParams), false, verify,
                                         narrowPackTiles, nullptr};

Fault half_pack_scalar(const Work& w) {
  const auto& p = w.as<NarrowPackParams>();
  eachPanel(w, kHalfHead, [&](const float* from, int64_t columns, uint16_t* to) {
    uint32_t largest[kHalfMostNr] = {};
    eachNumber(p, from, columns, [&](int64_t, int64_t j, float x) {
      const uint32_t bits = bitsOfFloat(x) & 0x7fffffff;
      if (bits > largest[j]) largest[j] = bits;
    });
    double factor[kHalfMostNr];
    for (int64_t j = 0; j < p.nr; j++) {
      const int e = halfExponent(largest[j]);
      const auto scale = static_cast<float>(std::ldexp(1.0, e));
      std::memcpy(to + j * kHalfHead, &scale, sizeof scale);
      factor[j] = std::ldexp(1.0, -e);
    }
    uint16_t* numbers = to + p.nr * kHalfHead;
    eachNumber(p, from, columns, [&](int64_t i, int64_t j, float x) {
      numbers[i * p.nr + j] = floatToHalf(roundedToOdd(static_cast<double>(x) * factor[j]));
    });
  });
  return Fault::none;
}

}  // namespace dsnk
