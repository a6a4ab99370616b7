// Computes  weights of panels that share a mask: of every four k the two that any column of the panel has, and where they
//           stand; of bytes also folded[i, j] = bias[i, j] - zero·Σ_k w[i, k, j]
// Shapes    packed: shared.h; the others as pack.cc has them
// Numerics  exact. Four k of which a panel keeps more than two are a fault
// Tiling    a tile is a run of panels
// Packing   shared.h
// Source    none
#include <cstring>

#include "kernels/sparse/shared.h"

namespace dsnk {

static bool isFloat(const Kernel& kernel) { return kernel.dtypes[0] == 'f'; }

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<SparseSharedParams>();
  if (const char* wrong = sparseWeightsVerify(p, c, 2, isFloat(kernel) ? 4 : 1)) return wrong;
  if (p.nr < 1 || p.nr > 64 || p.kr < 1 || p.kr > 64) return "nr and kr must be 1 … 64";
  if (p.flip < 0 || p.flip > 255) return "flip must be a byte";
  if (p.zero < -255 || p.zero > 255) return "zero must be in [-255, 255]";
  const int64_t k = p.outer * p.inner;
  if (isFloat(kernel)) {
    if (p.nr % p.kr != 0) return "kr must divide nr";
    const Panels panels(p.n, p.kr, p.nr / p.kr);
    const Size each = Size(panels.count) * sharedWords(k) + Size(k / 2) * Size(panels.vectors * panels.lanes);
    return (Size(p.count) * each * Size(4)).fits(c.operandBytes[0]) ? nullptr : "output must hold all panels";
  }
  if (p.kr != 2 && p.kr != 4) return "kr must be 2 or 4";
  if (p.vectorBytes != 16 && p.vectorBytes != 32 && p.vectorBytes != 64) return "vectors must have 16, 32 or 64 bytes";
  const int64_t width = integerWidth(p.kr);
  const Size panel = Size(sharedHead(k, width)) + Size(sharedDepth(k)) * Size(p.nr * width);
  if (!(Size(p.count) * Size(ceilDiv(p.n, p.nr)) * panel).fits(c.operandBytes[0])) return "output must hold all panels";
  const Size folded = Size(p.count) * Size(p.n) * Size(4);
  if (!folded.fits(c.operandBytes[1])) return "folded bias must hold every column";
  return !c.has(3) || folded.fits(c.operandBytes[3]) ? nullptr : "bias must hold every column";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const SparseSharedParams*>(params);
  return tilesFor(p.count * ceilDiv(p.n, p.nr), p.outer * p.inner * p.nr, threads, 64 * 1024);
}

extern const Contract sparse_shared_contract{"sparse_shared", "wxro", 0,     sizeof(SparseSharedParams),
                                             false,           verify, tiles, nullptr};

template <class Number>
struct SharedColumns {
  const SparseSharedParams& p;
  const Number* from;
  int64_t columns;

  const Number* at(int64_t k, int64_t j) const {
    return from + j * p.strideN + k / p.inner * p.strideOuter + k % p.inner * p.strideInner;
  }
  Number value(int64_t k, int64_t j) const {
    const Number v = *at(k, j);
    if constexpr (sizeof(Number) == 1) return static_cast<Number>(v ^ p.flip);
    return v;
  }
  // The two of four k that any column has; false where there are more.
  bool pair(int64_t k0, SparsePair& two) const {
    unsigned kept = 0;
    for (int64_t j = 0; j < columns && k0 < p.outer * p.inner; j++) {
      for (int e = 0; e < 4; e++) kept |= static_cast<unsigned>(value(k0 + e, j) != 0) << e;
    }
    return sparsePair(kept, two);
  }
  // The words of positions; false where four k have more than two.
  bool positions(uint32_t* words) const {
    const int64_t k = p.outer * p.inner;
    std::memset(words, 0, static_cast<size_t>(sharedWords(k)) * 4);
    for (int64_t k0 = 0; k0 < k; k0 += 4) {
      SparsePair two{};
      if (!pair(k0, two)) return false;
      const auto shift = static_cast<int>(k0 % kSparseBlock);
      words[k0 / kSparseBlock] |= static_cast<uint32_t>(two.first | two.second << 2) << shift;
    }
    return true;
  }
};

Fault sparse_shared_f32_scalar(const Work& w) {
  const auto& p = w.as<SparseSharedParams>();
  const int64_t k = p.outer * p.inner;
  const Panels panels(p.n, p.kr, p.nr / p.kr);
  if (p.count == 0 || panels.count == 0 || k == 0) return Fault::none;
  const Range range = tileRange(p.count * panels.count, w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t i = u / panels.count, panel = u % panels.count;
    const int64_t column = panels.startVector(panel) * p.kr, width = int64_t{panels.width(panel)} * p.kr;
    const int64_t columns = p.n - column < width ? p.n - column : width;
    float* to = w.at<float>(0) + i * sharedFloats(k, panels) + sharedPanelStart(k, panels, panel);
    const SharedColumns<float> from{p, w.at<const float>(2) + i * p.stride + column * p.strideN, columns};
    auto* words = reinterpret_cast<uint32_t*>(to);
    if (!from.positions(words)) return Fault::invalidValue;
    to += sharedWords(k);
    for (int64_t s = 0; s < k / 2; s++, to += width) {
      const int64_t at = s / 2 * 4 + sharedPosition(words, s);
      for (int64_t j = 0; j < columns; j++) to[j] = from.value(at, j);
      for (int64_t j = columns; j < width; j++) to[j] = 0;
    }
  }
  return Fault::none;
}

template <class Stored>
static Fault packBytes(const Work& w) {
  constexpr int64_t size = sizeof(Stored), perWord = 4 / size, perUnit = 8 / size;
  const auto& p = w.as<SparseSharedParams>();
  const int64_t k = p.outer * p.inner, panels = ceilDiv(p.n, p.nr), bytes = sharedPanelBytes(k, p.nr, size);
  const Range range = tileRange(p.count * panels, w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t i = u / panels, column = u % panels * p.nr, columns = p.n - column < p.nr ? p.n - column : p.nr;
    std::byte* to = w.at<std::byte>(0) + u * bytes;
    const SharedColumns<int8_t> from{p, w.at<const int8_t>(2) + i * p.stride + column * p.strideN, columns};
    auto* picks = reinterpret_cast<uint8_t*>(to);
    auto* values = reinterpret_cast<Stored*>(to + sharedHead(k, size));
    uint32_t sums[64] = {};
    std::memset(to, 0, static_cast<size_t>(bytes));
    bool sound = true;
    sharedUnits(sparseBlocks(k) * kSparseBlock * size, p.vectorBytes, [&](int64_t kept, int64_t source) {
      for (int64_t t = 0; t < perUnit; t++) {
        const int64_t s = source * perUnit + t, k0 = s / 2 * 4, place = kept * perUnit + t;
        SparsePair pair{};
        sound = sound && from.pair(k0, pair);
        const int e = s % 2 == 0 ? pair.first : pair.second;
        const int64_t at = k0 + e, number = t / 2 * 4 + e;
        for (int64_t i8 = 0; i8 < size; i8++) picks[place * size + i8] = static_cast<uint8_t>(number * size + i8);
        if (at >= k) continue;
        for (int64_t j = 0; j < columns; j++) {
          const int8_t v = from.value(at, j);
          values[(place / perWord * p.nr + j) * perWord + place % perWord] = v;
          sums[j] += static_cast<uint32_t>(v);
        }
      }
    });
    if (!sound) return Fault::invalidValue;
    const int32_t* bias = w.operand[3] == nullptr ? nullptr : w.at<const int32_t>(3) + i * p.n + column;
    for (int64_t j = 0; j < columns; j++) {
      const auto first = static_cast<uint32_t>(bias == nullptr ? 0 : bias[j]);
      w.at<int32_t>(1)[i * p.n + column + j] = static_cast<int32_t>(first - static_cast<uint32_t>(p.zero) * sums[j]);
    }
  }
  return Fault::none;
}

Fault sparse_shared_i8_scalar(const Work& w) {
  return w.as<SparseSharedParams>().kr == 2 ? packBytes<int16_t>(w) : packBytes<int8_t>(w);
}

}  // namespace dsnk
