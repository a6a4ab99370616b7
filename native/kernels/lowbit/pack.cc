// Computes  the panels that product.inl and floats.inl read, from codes of 2, 3, 4 or 8 bits in any order
// Shapes    packed: ⌈n/nr⌉ panels; codes: a stream of bits, code (n, k) at (n·strideN + k·strideK)·bits; scales: f32;
//           zeros: a stream of bits or f32
// Numerics  exact; columns beyond n have scale 0 and code 0, as have k beyond the last
// Tiling    a tile is a run of panels, a unit at a time
// Packing   lowbit.h has the order of groups. In a unit, vector v of words holds, for q the quad of k and h the half of
//           the columns (word i of half h is column h·nr/2 + i, byte b of it k = 4q + b):
//             8 bits   v = 2q + h:   code
//             4 bits   v = q:        code of h = 0 | code of h = 1 << 4
//             2 bits   v = q/2:      code << 4·(q%2) + 2h
//             3 bits   v = q/2:      the two low bits, as above;   v = 2: the high bit << 2q + h
//           so that shifts and masks of whole vectors give the bytes that products of quads take
// Source    none
#include <cstring>
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"

namespace dsnk {

// Bytes that `count` steps of the two strides from 0 reach into, elements of `bits` bits.
static Size reach(int64_t countA, int64_t strideA, int64_t countB, int64_t strideB, int64_t bits) {
  const Size last = (Size(countA - 1) * Size(strideA) + Size(countB - 1) * Size(strideB)) * Size(bits) + Size(bits + 7);
  return last.bad() ? last : Size(static_cast<int64_t>(last.value() / 8));
}

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<LowBitPackParams>();
  if (!isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  for (int64_t s : {p.strideN, p.strideK, p.scaleN, p.scaleBlock, p.zeroN, p.zeroBlock}) {
    if (!isStride(s)) return "strides must be in [0, 2^48]";
  }
  if (p.block < 1 || p.block > kMaxDim) return "block must be in [1, 2^40]";
  if (p.bits != 2 && p.bits != 3 && p.bits != 4 && p.bits != 8) return "bits must be 2, 3, 4 or 8";
  if (p.group < kLowBitUnit || p.group > kLowBitGroup || p.group % kLowBitUnit != 0)
    return "group must be a multiple of 16 up to 256";
  if (p.nr < 2 || p.nr > 256 || p.nr % 2 != 0) return "nr must be even, 2 … 256";
  if (p.flip < 0 || p.flip >= 1 << p.bits) return "flip must be bits of a code";
  if (p.zeros < 0 || p.zeros >= kLowBitZerosCount) return "zeros must be a member of LowBitZeros";
  if (p.n == 0 || p.k == 0) return nullptr;
  const auto zeros = static_cast<LowBitZeros>(p.zeros);
  const LowBitShape shape{p.n, p.k, p.group, p.bits, zeros == LowBitZeros::constant ? 0 : 1, p.nr};
  if (!(Size(shape.panels()) * Size(shape.panelBytes())).fits(c.operandBytes[0])) return "output must hold all panels";
  if (!reach(p.n, p.strideN, p.k, p.strideK, p.bits).fits(c.operandBytes[1])) return "codes must hold their strides";
  const int64_t blocks = ceilDiv(p.k, p.block);
  if (!reach(p.n, p.scaleN, blocks, p.scaleBlock, 32).fits(c.operandBytes[2])) return "scales must hold their strides";
  if (zeros == LowBitZeros::floats && !reach(p.n, p.zeroN, blocks, p.zeroBlock, 32).fits(c.operandBytes[3]))
    return "zeros must hold their strides";
  if (zeros == LowBitZeros::packed) {
    const Size last = Size(p.n - 1) * Size(p.zeroN) + Size(blocks - 1) * Size(p.zeroBlock) + Size(p.bits + 7);
    if (last.bad() || last.value() / 8 > c.operandBytes[3]) return "zeros must hold their strides";
  }
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const LowBitPackParams*>(params);
  return p.k == 0 ? 0 : tilesFor(ceilDiv(p.n, p.nr), p.k * p.nr, threads, 64 * 1024);
}

extern const Contract lowbit_pack_contract{"lowbit_pack", "wrro", 0,     sizeof(LowBitPackParams),
                                           false,         verify, tiles, nullptr};

// `bits` bits at that place of a stream; they lie in two bytes at most.
static int bitsAt(const uint8_t* from, int64_t at, int bits) {
  const int shift = static_cast<int>(at % 8);
  int word = from[at / 8] >> shift;
  if (shift + bits > 8) word |= from[at / 8 + 1] << (8 - shift);
  return word & ((1 << bits) - 1);
}

static void place(uint8_t* unit, int bits, int64_t words, int64_t column, int64_t k, int code) {
  const int64_t q = k / 4, h = column / words, byte = (column % words) * 4 + k % 4;
  const auto or_ = [&](int64_t vector, int64_t shift, int x) {
    unit[vector * words * 4 + byte] = static_cast<uint8_t>(unit[vector * words * 4 + byte] | x << shift);
  };
  if (bits == 8) {
    or_(2 * q + h, 0, code);
  } else if (bits == 4) {
    or_(q, 4 * h, code);
  } else {
    or_(q / 2, 4 * (q % 2) + 2 * h, code & 3);
    if (bits == 3) or_(2, 2 * q + h, code >> 2);
  }
}

Fault lowbit_pack_scalar(const Work& w) {
  const auto& p = w.as<LowBitPackParams>();
  const auto zeros = static_cast<LowBitZeros>(p.zeros);
  const LowBitShape shape{p.n, p.k, p.group, p.bits, zeros == LowBitZeros::constant ? 0 : 1, p.nr};
  const auto* codes = w.at<const uint8_t>(1);
  const auto* scales = w.at<const float>(2);
  const Range range = tileRange(shape.panels(), w.tile, w.tiles);
  for (int64_t panel = range.begin; panel < range.end; panel++) {
    auto* to = w.at<uint8_t>(0) + panel * shape.panelBytes();
    std::memset(to, 0, static_cast<size_t>(shape.panelBytes()));
    const int64_t first = panel * p.nr, columns = p.n - first < p.nr ? p.n - first : p.nr;
    for (int64_t g = 0; g < shape.groups(); g++) {
      uint8_t* block = to + g * shape.blockBytes();
      const int64_t k0 = g * p.group, k1 = p.k - k0 < p.group ? p.k : k0 + p.group, source = k0 / p.block;
      for (int64_t j = 0; j < columns; j++) {
        const int64_t column = first + j;
        reinterpret_cast<float*>(block)[j] = scales[column * p.scaleN + source * p.scaleBlock];
        const int64_t at = column * p.zeroN + source * p.zeroBlock;
        if (zeros == LowBitZeros::packed) {
          const int zero = bitsAt(w.at<const uint8_t>(3), at, p.bits) ^ p.flip;
          reinterpret_cast<float*>(block)[p.nr + j] = static_cast<float>(zero);
        } else if (zeros == LowBitZeros::floats) {
          reinterpret_cast<float*>(block)[p.nr + j] = w.at<const float>(3)[at];
        }
      }
      uint8_t* units = block + shape.headBytes();
      // Columns innermost where they lie side by side.
      for (int64_t k = k0; k < k1; k++) {
        uint8_t* unit = units + (k - k0) / kLowBitUnit * shape.unitBytes();
        for (int64_t j = 0; j < columns; j++) {
          const int64_t at = ((first + j) * p.strideN + k * p.strideK) * p.bits;
          place(unit, p.bits, p.nr / 2, j, (k - k0) % kLowBitUnit, bitsAt(codes, at, p.bits) ^ p.flip);
        }
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
