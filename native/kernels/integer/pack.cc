// Computes  packed[i, j/nr, k/q, j%nr, k%q] = b'[i, k, j] for k = (outer, inner), zeros for j ≥ n and k ≥ outer·inner;
//           folded[i, j] = bias[i, j] - zero·Σ_k b'[i, k, j];  b' = b with the bits of `flip` turned over
// Shapes    packed: [count, ⌈n/nr⌉, kr·⌈K/kr⌉/q, nr, q], bytes and q = 4, or kr where that is 8 or 16, or 16-bit numbers
//           and q = 2 where kr is 2; each [K, nr] of kr 16 behind 16 bytes, the first 1 where it has a -128, else 0;
//           folded, bias: int32 [count, n]; b: bytes, element (i, outer, inner, j) at i·stride + outer·strideOuter +
//           inner·strideInner + j·strideN
// Numerics  exact; the sums of `folded` wrap
// Tiling    a tile is a run of panels; 64 of inner k a column at a time, so that lines read along k and words written
//           along columns both stay in L1
// Packing   this is it; the picture stands in product.inl
// Source    none
#include <cstring>
#include <initializer_list>

#include "kernels/integer/product.h"

namespace dsnk {

// Numbers of k of a row of taps and of all of it.
static int64_t rowOf(const IntegerPackParams& p) { return roundUp(p.rowTaps * p.inner, integerGroup(p.kr)); }
static int64_t paddedK(const IntegerPackParams& p) {
  const int64_t k = p.rowTaps == 0 ? p.outer * p.inner : ceilDiv(p.outer, p.rowTaps) * rowOf(p);
  return roundUp(k, p.kr);
}
static int64_t panelNumbers(const IntegerPackParams& p) {
  return paddedK(p) == 0 ? 0 : integerHead(p.kr) + paddedK(p) * p.nr;
}
static int64_t panelsOf(const IntegerPackParams& p) { return p.count * ceilDiv(p.n, p.nr); }

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<IntegerPackParams>();
  for (int64_t n : {p.count, p.n, p.outer, p.inner}) {
    if (!isDim(n)) return "dimensions must be in [0, 2^40]";
  }
  for (int64_t s : {p.stride, p.strideN, p.strideOuter, p.strideInner}) {
    if (!isStride(s)) return "strides must be in [0, 2^48]";
  }
  if (p.nr < 1 || p.nr > 256 || (p.kr != 2 && (p.kr < 4 || p.kr > 256 || p.kr % 4 != 0)))
    return "nr must be 1 … 256, kr 2 or a multiple of 4 up to 256";
  if (p.zero < -255 || p.zero > 255) return "zero must be in [-255, 255]";
  if (p.flip < 0 || p.flip > 255) return "flip must be a byte";
  if (p.rowTaps < 0 || p.rowTaps > 1 << 20 || (p.rowTaps > 0 && p.kr != 4 && p.kr != 16))
    return "rows of taps must be of quads or sixteens";
  const Size k = Size(p.outer) * Size(p.inner);
  if (!((Size(p.outer) + Size(p.rowTaps)) * Size(p.inner)).fits(kMaxDim)) return "rows of taps must be at most 2^40";
  if (!k.fits(kMaxDim)) return "k must be at most 2^40";
  const Size columns = Size(p.count) * Size(roundUp(p.n, p.nr));
  const Size heads = Size(p.count) * Size(ceilDiv(p.n, p.nr)) * Size(k.value() == 0 ? 0 : integerHead(p.kr));
  if (!(columns * Size(paddedK(p)) * Size(integerWidth(p.kr)) + heads).fits(c.operandBytes[0]))
    return "output must hold all panels";
  const Size folded = Size(p.count) * Size(p.n) * Size(4);
  if (!folded.fits(c.operandBytes[1])) return "folded bias must hold every column";
  if (c.has(3) && !folded.fits(c.operandBytes[3])) return "bias must hold every column";
  if (columns.bad() || folded.value() == 0 || k.value() == 0) return columns.bad() ? "columns must be sound" : nullptr;
  const Size reach = Size(p.count - 1) * Size(p.stride) + Size(p.n - 1) * Size(p.strideN) +
                     Size(p.outer - 1) * Size(p.strideOuter) + Size(p.inner - 1) * Size(p.strideInner) + Size(1);
  return reach.fits(c.operandBytes[2]) ? nullptr : "b must hold its strides";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const IntegerPackParams*>(params);
  return tilesFor(panelsOf(p), paddedK(p) * p.nr, threads, 64 * 1024);
}

extern const Contract integer_pack_contract{"integer_pack", "wwro", 0,     sizeof(IntegerPackParams),
                                            false,          verify, tiles, nullptr};

// Number is what stands packed: int8_t, or int16_t in pairs; `group` of them stand together in a column.
template <class Number, int64_t group>
static void packPanel(const IntegerPackParams& p, const int8_t* from, int64_t columns, Number* to, const int32_t* bias,
                      int32_t* folded) {
  constexpr int64_t block = 64;
  const int64_t k = p.outer * p.inner, kPadded = paddedK(p);
  Number* const head = to;
  to += integerHead(p.kr);
  bool least = false;
  if (columns < p.nr || k < kPadded) std::memset(to, 0, static_cast<size_t>(kPadded * p.nr) * sizeof(Number));
  uint32_t sums[256] = {};
  for (int64_t o = 0; o < p.outer; o++) {
    const int64_t start = p.rowTaps == 0 ? o * p.inner : o / p.rowTaps * rowOf(p) + o % p.rowTaps * p.inner;
    for (int64_t i0 = 0; i0 < p.inner; i0 += block) {
      const int64_t end = p.inner - i0 < block ? p.inner : i0 + block;
      for (int64_t j = 0; j < columns; j++) {
        const int8_t* source = from + o * p.strideOuter + j * p.strideN;
        uint32_t sum = 0;
        for (int64_t i = i0; i < end; i++) {
          const auto v = static_cast<int8_t>(source[i * p.strideInner] ^ p.flip);
          const int64_t at = start + i;
          to[(at / group * p.nr + j) * group + at % group] = v;
          sum += static_cast<uint32_t>(v);
          least |= v == -128;
        }
        sums[j] += sum;
      }
    }
  }
  if (group == 16 && k > 0) {
    std::memset(head, 0, static_cast<size_t>(integerHead(p.kr)));
    *head = least;
  }
  for (int64_t j = 0; j < columns; j++) {
    const auto first = static_cast<uint32_t>(bias == nullptr ? 0 : bias[j]);
    folded[j] = static_cast<int32_t>(first - static_cast<uint32_t>(p.zero) * sums[j]);
  }
}

Fault integer_pack_scalar(const Work& w) {
  const auto& p = w.as<IntegerPackParams>();
  const int64_t panels = ceilDiv(p.n, p.nr), numbers = panelNumbers(p);
  const Range range = tileRange(panelsOf(p), w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t i = u / panels, column = u % panels * p.nr, columns = p.n - column < p.nr ? p.n - column : p.nr;
    const int8_t* from = w.at<const int8_t>(2) + i * p.stride + column * p.strideN;
    const int64_t at = i * p.n + column;
    const int32_t* bias = w.operand[3] == nullptr ? nullptr : w.at<const int32_t>(3) + at;
    int32_t* folded = w.at<int32_t>(1) + at;
    int8_t* to = w.at<int8_t>(0) + u * numbers;
    switch (integerGroup(p.kr)) {
      case 2: packPanel<int16_t, 2>(p, from, columns, w.at<int16_t>(0) + u * numbers, bias, folded); break;
      case 8: packPanel<int8_t, 8>(p, from, columns, to, bias, folded); break;
      case 16: packPanel<int8_t, 16>(p, from, columns, to, bias, folded); break;
      default: packPanel<int8_t, 4>(p, from, columns, to, bias, folded); break;
    }
  }
  return Fault::none;
}

}  // namespace dsnk
