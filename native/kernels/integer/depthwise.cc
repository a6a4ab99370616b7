// The contracts of depthwise convolution in bytes and of the packing of its weights, and that packing.
//
// Computes  packed, folded[c] = bias[c] - zero·Σ_tap w'[c, tap];  w' = w with the bits of `flip` turned over
// Shapes    packed: depthwise.h; folded, bias int32 [C]; w bytes [C, taps]; multipliers float32 [C] or [1]
// Numerics  exact; sums wrap
// Tiling    a tile is a run of blocks
// Packing   this is it
// Source    none
#include "kernels/integer/depthwise.h"

#include <cstring>
#include <initializer_list>

#include "kernels/integer/verify.h"

namespace dsnk {

// What the kernels have code for.
template <class P>
static const char* verifyGroups(const P& p, int64_t nr, int64_t kr) {
  if (p.pattern < 0 || p.pattern >= kDepthwisePatternCount) return "pattern must be known";
  if (p.kernel[0] < 1 || p.kernel[1] < 1 || !(Size(p.kernel[0]) * Size(p.kernel[1])).fits(1 << 20))
    return "kernel must have 1 … 2^20 taps";
  if (p.pattern == static_cast<int32_t>(DepthwisePattern::flat)) return nullptr;
  const bool square = p.kernel[0] == p.kernel[1] && (p.kernel[0] == 3 || p.kernel[0] == 5);
  return nr != 64 || kr != 4 || !square ? "pattern must be one of this row" : nullptr;
}

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<DepthwiseBytesParams>();
  if (p.batch < 0 || p.channels < 0) return "sizes must not be negative";
  Size in(p.batch), out(p.batch);
  for (int a = 0; a < 2; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.strides[a] < 1 || p.dilations[a] < 1) return "strides, dilations must be positive";
    in = in * p.inSize[a];
    out = out * p.outSize[a];
  }
  if (const char* wrong = verifyGroups(p, kernel.nr, kernel.kr)) return wrong;
  if (p.pattern != static_cast<int32_t>(DepthwisePattern::flat)) {
    const int32_t s = p.strides[0];
    if (p.dilations[0] != 1 || p.dilations[1] != 1 || p.strides[1] != s || s > 2) return "pattern must suit strides";
  }
  if (p.ldc < p.channels) return "ldc must be at least the channels";
  if (!(in * p.channels).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (out.bad() || in.bad()) return "sizes must be sane";
  if (out.value() > 0 && p.channels > 0 &&
      !((Size(static_cast<int64_t>(out.value()) - 1) * p.ldc + p.channels) * integerElementBytes(p))
           .fits(c.operandBytes[0]))
    return "y must hold its pixels, ldc apart";
  if (!isIntegerByte(p.padding)) return "padding must be a byte";
  if (const char* wrong = verifyIntegerEnding(p, c, p.channels, out * p.channels)) return wrong;
  const Size packed = Size(ceilDiv(p.channels, kernel.nr)) * Size(DepthwiseGroups(p, kernel.kr).blockBytes(kernel.nr));
  return packed.fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const DepthwiseBytesParams*>(params);
  if (p.batch == 0 || p.channels == 0 || p.outSize[0] == 0 || p.outSize[1] == 0) return 0;
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1], channels = p.channels < k.nr ? p.channels : k.nr;
  const int64_t rows = p.outSize[0] < kDepthwiseRows ? p.outSize[0] : kDepthwiseRows;
  return tilesFor(depthwiseUnits(p, k.nr), rows * p.outSize[1] * channels * ((taps < 64 ? taps : 64) + 8) / 16,
                  threads);
}

// A row of padding.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(depthwiseRowBytes(*static_cast<const DepthwiseBytesParams*>(params)) + 64);
}

// y, x, packed weights, bias, multipliers?, residual?, addend?
extern const Contract depthwise_i8_contract{"depthwise_i8", "wrrrooo", 0,     sizeof(DepthwiseBytesParams),
                                            false,          verify,    tiles, scratchBytes};

static const char* verifyPack(const Kernel&, const Check& c) {
  const auto& p = c.as<DepthwisePackParams>();
  if (p.channels < 0) return "sizes must not be negative";
  if (p.nr < 16 || p.nr > 256 || p.nr % 16 != 0 || (p.kr != 1 && p.kr != 2 && p.kr != 4))
    return "nr must be a multiple of 16 up to 256, kr 1, 2 or 4";
  if (const char* wrong = verifyGroups(p, p.nr, p.kr)) return wrong;
  if (p.zero < -255 || p.zero > 255) return "zero must be in [-255, 255]";
  if (p.flip < 0 || p.flip > 255) return "flip must be a byte";
  if ((p.perColumn | 1) != 1) return "flags must be 0 or 1";
  const Size columns = Size(p.channels) * Size(4);
  if (!(Size(ceilDiv(p.channels, p.nr)) * Size(DepthwiseGroups(p, p.kr).blockBytes(p.nr))).fits(c.operandBytes[0]))
    return "output must hold all blocks";
  if (!columns.fits(c.operandBytes[1])) return "folded bias must hold every channel";
  if (!(Size(p.channels) * Size(p.kernel[0]) * Size(p.kernel[1])).fits(c.operandBytes[2]))
    return "weights must hold channels·taps";
  if (c.has(3) && !columns.fits(c.operandBytes[3])) return "bias must hold every channel";
  if (c.has(4) && !(p.perColumn != 0 ? columns : Size(4)).fits(c.operandBytes[4]))
    return "multipliers must be one, or one per channel";
  return nullptr;
}

static uint32_t tilesPack(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const DepthwisePackParams*>(params);
  return tilesFor(ceilDiv(p.channels, p.nr), int64_t{p.kernel[0]} * p.kernel[1] * p.nr, threads, 64 * 1024);
}

// packed, folded, w, bias?, multipliers?
extern const Contract depthwise_pack_contract{
    "depthwise_i8_pack", "wwroo", 0, sizeof(DepthwisePackParams), false, verifyPack, tilesPack, nullptr};

Fault depthwise_i8_pack_scalar(const Work& w) {
  const auto& p = w.as<DepthwisePackParams>();
  const DepthwiseGroups groups(p, p.kr);
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1];
  const Range range = tileRange(ceilDiv(p.channels, p.nr), w.tile, w.tiles);
  for (int64_t block = range.begin; block < range.end; block++) {
    std::byte* to = w.at<std::byte>(0) + block * groups.blockBytes(p.nr);
    std::memset(to, 0, static_cast<size_t>(groups.blockBytes(p.nr)));
    auto* bias = reinterpret_cast<int32_t*>(to);
    auto* multipliers = reinterpret_cast<float*>(to) + p.nr;
    std::byte* weights = to + 8 * p.nr;
    for (int64_t c = block * p.nr; c < p.channels && c < (block + 1) * p.nr; c++) {
      const int8_t* from = w.at<const int8_t>(2) + c * taps;
      const int64_t place = placeInBlock(c % p.nr, p.nr);
      uint32_t sum = 0;
      for (int64_t t = 0; t < taps; t++) sum += static_cast<uint32_t>(static_cast<int8_t>(from[t] ^ p.flip));
      const auto first = static_cast<uint32_t>(w.operand[3] == nullptr ? 0 : w.at<const int32_t>(3)[c]);
      const auto folded = static_cast<int32_t>(first - static_cast<uint32_t>(p.zero) * sum);
      w.at<int32_t>(1)[c] = folded;
      bias[place] = folded;
      if (w.operand[4] != nullptr) multipliers[place] = w.at<const float>(4)[p.perColumn != 0 ? c : 0];
      for (int64_t g = 0; g < groups.count(); g++) {
        for (int64_t i = 0; i < p.kr; i++) {
          const int64_t tap = groups.tap(g, i), at = (g * p.nr + place) * p.kr + i;
          if (tap < 0) continue;
          const auto v = static_cast<int8_t>(from[tap] ^ p.flip);
          if (p.kr == 2) {
            reinterpret_cast<int16_t*>(weights)[at] = v;
          } else {
            reinterpret_cast<int8_t*>(weights)[at] = v;
          }
        }
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
