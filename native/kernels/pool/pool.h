// What pooling kernels share: the window of one output pixel, and the checks and the cutting of their contracts.
#pragma once
#include "kernels/kernel.h"
#include "kernels/pixels.h"
#include "kernels/pool/params.gen.h"

namespace dsnk {

// Channels of one unit of the kernels that are no float vectors.
constexpr int64_t kPoolChannels = 64;

// The taps of one axis that lie inside the input, and how many lie inside input and padding.
struct Window {
  int64_t start, begin, end, padded;
};

template <class Params>
inline Window windowOf(const Params& p, int axis, int64_t o) {
  const int64_t size = p.inSize[axis], dilation = p.dilations[axis], kernel = p.kernel[axis];
  const int64_t start = o * p.strides[axis] - p.padsBegin[axis];
  auto first = [&](int64_t bound) { return start >= bound ? 0 : (bound - start - 1) / dilation + 1; };  // taps below
  auto limit = [&](int64_t n) { return n < kernel ? n : kernel; };
  const int64_t begin = limit(first(0)), end = limit(first(size));
  int64_t padded = end - begin;
  if constexpr (requires { p.padsEnd; }) {
    padded = limit(first(size + p.padsEnd[axis])) - limit(first(-int64_t{p.padsBegin[axis]}));
  }
  return {start, begin, end, padded};
}

// The shape checks of all pooling operations; element sizes of x and y in bytes.
template <class Params>
inline const char* verifyPool(const Params& p, const Check& c, uint32_t input, int64_t elementBytes) {
  Size in(0), out(0), taps(0), strides(p.channels);
  if (const char* wrong = verifyWindow<3>(p, in, out, taps)) return wrong;
  for (int a = 0; a < 3; a++) {
    if (p.padsBegin[a] < 0) return "pads must not be negative";
    if constexpr (requires { p.padsEnd; }) {
      if (p.padsEnd[a] < 0) return "pads must not be negative";
    }
    strides = strides * (p.inSize[a] > 0 ? p.inSize[a] : 1);  // they are formed even where a size is 0
  }
  if (strides.bad()) return "sizes must be sane";
  if (!(in * p.channels * elementBytes).fits(c.operandBytes[input])) return "x must hold batch·size·channels";
  if constexpr (requires { p.ldc; }) {
    if (const char* wrong = verifyPixels(out, p.channels, p.ldc, elementBytes, c.operandBytes[0])) return wrong;
  } else if (!(out * p.channels * elementBytes).fits(c.operandBytes[0])) {
    return "y must hold batch·size·channels";
  }
  return nullptr;
}

template <class Params>
inline int64_t poolUnits(const Params& p) {
  if (p.channels == 0) return 0;
  return int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2] * ceilDiv(p.channels, kPoolChannels);
}

// Taps of a window inside the input, at most 2^20.
template <class Params>
inline int64_t tapsOfPool(const Params& p) {
  int64_t taps = 1;
  for (int a = 0; a < 3; a++) {
    taps *= p.kernel[a] < p.inSize[a] ? p.kernel[a] : p.inSize[a];
    if (taps > 1 << 20) taps = 1 << 20;
  }
  return taps;
}

template <class Params>
inline uint32_t tilesOfPool(const Params& p, uint32_t threads) {
  const int64_t channels = p.channels < kPoolChannels ? p.channels : kPoolChannels;
  return tilesFor(poolUnits(p), (tapsOfPool(p) + 4) * channels / 8, threads);
}

// How pooling of floats is cut: one unit is a row of output for a range of channels.
struct PoolRows {
  int64_t partChannels, parts, units;
  explicit PoolRows(const PoolParams& p)
      : partChannels(p.outSize[2] > 1    ? 256
                     : p.channels <= 256 ? 16
                                         : 32),
        parts(ceilDiv(p.channels, partChannels)),
        units(p.outSize[2] == 0 ? 0 : int64_t{p.batch} * p.outSize[0] * p.outSize[1] * parts) {}
};

// Where a unit of the kernels that are no float vectors stands.
struct PoolUnit {
  int64_t pixel, image, channel, channels;
  int64_t at[3];
};

template <class Params>
inline PoolUnit poolUnit(const Params& p, int64_t unit) {
  const int64_t parts = ceilDiv(p.channels, kPoolChannels);
  PoolUnit u{};
  u.channel = unit % parts * kPoolChannels;
  u.channels = p.channels - u.channel < kPoolChannels ? p.channels - u.channel : kPoolChannels;
  u.pixel = unit / parts;
  int64_t rest = u.pixel;
  for (int a = 2; a >= 0; a--) {
    u.at[a] = rest % p.outSize[a];
    rest /= p.outSize[a];
  }
  u.image = rest;
  return u;
}

}  // namespace dsnk
