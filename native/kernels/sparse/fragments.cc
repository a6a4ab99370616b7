// Computes  of every four k of weights the two that are not zero and where they stand, as fragments of mma.sp; of bytes also
//           folded[i, j] = bias[i, j] - zero·Σ_k w[i, k, j]
// Shapes    packed: [count][⌈n/64⌉] panels (fragments.h), k filled up to 128 of bytes or 64 of floats; the others as
//           sparse_compress has them
// Numerics  bytes are moved; floats are rounded as half_pack and bfloat_pack do. A four with more than two of them is a fault
// Tiling    a tile is a run of panels
// Packing   this is it
// Source    fragments.h
#include <cstring>

#include "kernels/bfloat/convert.h"
#include "kernels/half/scale.h"
#include "kernels/sparse/fragments.h"
#include "kernels/sparse/layout.h"

namespace dsnk {
namespace {

// What a packed number is, by the row's element type.
enum class Packed { bytes, halves, bfloats };

Packed packedOf(const Kernel& kernel) {
  return kernel.dtypes[0] == 'i' ? Packed::bytes : kernel.dtypes[0] == 'f' ? Packed::halves : Packed::bfloats;
}

struct Panels {
  int64_t count, units, unitBytes, headBytes, bytes;
};
Panels panelsOf(const SparseCompressParams& p, Packed packed) {
  const int element = packed == Packed::bytes ? 1 : 2;
  const int64_t units = roundUp(p.outer * p.inner, element == 1 ? 2 * kFragmentDepth : kFragmentDepth) / kFragmentDepth;
  const int64_t head = packed == Packed::halves && units > 0 ? 4 * kFragmentColumns : 0;
  const int64_t unit = fragmentUnitBytes(element);
  return {p.count * ceilDiv(p.n, kFragmentColumns), units, unit, head, head + units * unit};
}

const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<SparseCompressParams>();
  const Packed packed = packedOf(kernel);
  if (const char* wrong = sparseWeightsVerify(p, c, 2, packed == Packed::bytes ? 1 : 4)) return wrong;
  if (const char* wrong = sparseFoldedVerify(p, c)) return wrong;
  if (packed == Packed::bytes && !c.has(1) && p.n > 0) return "bytes have a folded bias";
  if (p.nr != kFragmentColumns || p.apart != 0) return "panels must have 64 columns";
  const Panels panels = panelsOf(p, packed);
  return (Size(panels.count) * Size(panels.bytes)).fits(c.operandBytes[0]) ? nullptr : "output must hold all panels";
}

uint32_t tiles(const Kernel& kernel, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const SparseCompressParams*>(params);
  const Panels panels = panelsOf(p, packedOf(kernel));
  if (panels.units == 0 && packedOf(kernel) != Packed::bytes) return 0;
  return tilesFor(panels.count, p.outer * p.inner * kFragmentColumns, threads, 64 * 1024);
}

Fault pack(const Work& w, Packed packed) {
  const auto& p = w.as<SparseCompressParams>();
  const bool bytes = packed == Packed::bytes;
  const int element = bytes ? 1 : 2;
  const Panels panels = panelsOf(p, packed);
  const int64_t k = p.outer * p.inner, across = ceilDiv(p.n, kFragmentColumns);
  const Range range = tileRange(panels.count, w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t i = u / across, column0 = u % across * kFragmentColumns;
    std::byte* panel = w.at<std::byte>(0) + u * panels.bytes;
    std::memset(panel, 0, static_cast<size_t>(panels.bytes));
    for (int j = 0; j < kFragmentColumns; j++) {
      const bool there = column0 + j < p.n;
      const int64_t from = i * p.stride + (column0 + j) * p.strideN;
      const auto number = [&](int64_t at) -> float {
        const int64_t place = from + at / p.inner * p.strideOuter + at % p.inner * p.strideInner;
        return bytes ? static_cast<int8_t>(w.at<const int8_t>(2)[place] ^ p.flip) : w.at<const float>(2)[place];
      };
      double factor = 1;
      if (panels.headBytes != 0) {
        uint32_t largest = 0;
        for (int64_t at = 0; there && at < k; at++) {
          const uint32_t bits = bitsOfFloat(number(at)) & 0x7fffffff;
          if (bits > largest) largest = bits;
        }
        const int e = halfExponent(largest);
        const auto scale = static_cast<float>(std::ldexp(1.0, e));
        std::memcpy(panel + 4 * j, &scale, 4);
        factor = std::ldexp(1.0, -e);
      }
      for (int64_t four = 0; four < panels.units * kFragmentDepth / 4; four++) {
        float numbers[4] = {};
        unsigned kept = 0;
        for (int e = 0; e < 4 && there && four * 4 < k; e++) {
          numbers[e] = number(four * 4 + e);
          if (numbers[e] != 0) kept |= 1u << e;
        }
        SparsePair pair{};
        if (!sparsePair(kept, pair)) return Fault::invalidValue;
        std::byte* unit = panel + panels.headBytes + four * 4 / kFragmentDepth * panels.unitBytes;
        const int inUnit = static_cast<int>(four % (kFragmentDepth / 4));
        const PositionPlace at = placeOfPositions(element, j, inUnit);
        auto& word = *reinterpret_cast<uint32_t*>(unit + at.byte);
        word |= static_cast<uint32_t>(pair.first | pair.second << 2) << at.bit;
        for (int s = 0; s < 2; s++) {
          const float x = numbers[s == 0 ? pair.first : pair.second];
          std::byte* to = unit + placeOfKept(element, j, 2 * inUnit + s);
          if (bytes) {
            *to = static_cast<std::byte>(static_cast<int>(x));
          } else {
            const uint16_t narrow = packed == Packed::bfloats
                                        ? flushedBfloat(x)
                                        : floatToHalf(roundedToOdd(static_cast<double>(x) * factor));
            std::memcpy(to, &narrow, 2);
          }
        }
      }
    }
    if (bytes) sparseFold(w, p, i, column0, p.n - column0 < kFragmentColumns ? p.n - column0 : kFragmentColumns);
  }
  return Fault::none;
}

}  // namespace

extern const Contract sparse_fragments_contract{
    "sparse_fragments", "wxro", 0, sizeof(SparseCompressParams), false, verify, tiles, nullptr};

Fault sparse_fragments_i8_scalar(const Work& w) { return pack(w, Packed::bytes); }
Fault sparse_fragments_f16_scalar(const Work& w) { return pack(w, Packed::halves); }
Fault sparse_fragments_bf16_scalar(const Work& w) { return pack(w, Packed::bfloats); }

}  // namespace dsnk
