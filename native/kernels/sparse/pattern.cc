// Computes  which forms weights have: bit 0: at most two of every four k of a column are not zero; bits 1 and 2: of 16 and of 32
//           columns together (those from a multiple of that on)
// Shapes    flags: u32 [1]; w: element (i, outer, inner, j) as in pack.cc
// Numerics  exact; -0 is zero
// Tiling    one tile, which ends with the first four that has none of the forms: dense weights cost nothing
// Packing   none
// Source    none
#include "kernels/sparse/layout.h"

namespace dsnk {

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<SparsePatternParams>();
  if (!c.holds(0, 4)) return "flags must be a word";
  if (p.zero < 0 || p.zero > 255) return "zero must be a byte";
  return sparseWeightsVerify(p, c, 1, kernel.dtypes[0] == 'f' ? 4 : 1);
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

extern const Contract sparse_pattern_contract{"sparse_pattern", "wr",  0,      sizeof(SparsePatternParams), false,
                                              verify,           tiles, nullptr};

template <class Number>
static Fault patternOf(const Work& w) {
  const auto& p = w.as<SparsePatternParams>();
  const auto zero = static_cast<Number>(p.zero);
  const int64_t k = p.outer * p.inner;
  uint32_t flags = 7;
  for (int64_t i = 0; i < p.count; i++) {
    for (int64_t n0 = 0; n0 < p.n && k > 0; n0 += 32) {
      const int64_t end = p.n - n0 < 32 ? p.n : n0 + 32;
      for (int64_t k0 = 0; k0 < k; k0 += 4) {
        const Number* from =
            w.at<const Number>(1) + i * p.stride + k0 / p.inner * p.strideOuter + k0 % p.inner * p.strideInner;
        unsigned halves[2] = {};
        for (int64_t j = n0; j < end; j++) {
          unsigned kept = 0;
          for (int e = 0; e < 4; e++)
            kept |= static_cast<unsigned>(from[j * p.strideN + e * p.strideInner] != zero) << e;
          if (__builtin_popcount(kept) > 2) {
            *w.at<uint32_t>(0) = 0;
            return Fault::none;
          }
          halves[(j - n0) / 16] |= kept;
        }
        if (__builtin_popcount(halves[0]) > 2 || __builtin_popcount(halves[1]) > 2) flags &= 1;
        if (__builtin_popcount(halves[0] | halves[1]) > 2) flags &= 3;
      }
    }
  }
  *w.at<uint32_t>(0) = flags;
  return Fault::none;
}

Fault sparse_pattern_f32_scalar(const Work& w) { return patternOf<float>(w); }
Fault sparse_pattern_i8_scalar(const Work& w) { return patternOf<uint8_t>(w); }

}  // namespace dsnk
