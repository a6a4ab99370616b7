// Computes  y[i] = x[i] in another element type
// Shapes    y, x: count elements, contiguous; types below 8 bits packed, first element in the lowest bits
// Numerics  Real to real: rounded once, to nearest even. Real to integer: truncated through int64 and wrapped, NaN and
//           what int64 cannot hold give its least value. Integer to integer wraps. Anything but 0 is true.
//           f8 and f4: saturating or not, as asked. bit-equal everywhere
// Tiling    blocks of 512 elements through one of three wide types (double, int64, uint64), so that 23 types need
//           23 readers and 3 x 23 writers instead of 529 loops; float32 beside bool and 16-bit floats goes through
//           the pointwise kernel's vector rows instead (lib/ops/cast.ts)
// Packing   none
// Source    own design; the formats as in small_float.h
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/cast/params.gen.h"
#include "kernels/cast/small_float.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "simd/half.h"
#include "kernels/round_odd.h"

namespace dsnk {
namespace {

constexpr int64_t kBlock = 512;

int bitsOfType(CastType t) {
  switch (t) {
    case CastType::f64:
    case CastType::i64:
    case CastType::u64: return 64;
    case CastType::f32:
    case CastType::i32:
    case CastType::u32: return 32;
    case CastType::f16:
    case CastType::bf16:
    case CastType::i16:
    case CastType::u16: return 16;
    case CastType::f4e2m1:
    case CastType::i4:
    case CastType::u4: return 4;
    case CastType::i2:
    case CastType::u2: return 2;
    default: return 8;
  }
}

enum class Wide { real, signedInt, unsignedInt };
Wide wideOf(CastType t) {
  if (t <= CastType::f4e2m1) return Wide::real;
  return t == CastType::u64 ? Wide::unsignedInt : Wide::signedInt;
}

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<CastParams>();
  if (p.from < 0 || p.from >= kCastTypeCount || p.to < 0 || p.to >= kCastTypeCount)
    return "types must be element types";
  if (p.round < 0 || p.round >= kCastRoundCount) return "rounding must be a known one";
  for (int32_t i = 0; i < 2; i++) {
    const Size bits = Size(p.count) * Size(bitsOfType(static_cast<CastType>(i == 0 ? p.to : p.from)));
    if (bits.bad() || !Size(static_cast<int64_t>((bits.value() + 7) / 8)).fits(c.operandBytes[i])) {
      return i == 0 ? "output must hold `count`" : "input must hold `count`";
    }
  }
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  return tilesFor(ceilDiv(static_cast<const CastParams*>(params)->count, kBlock), kBlock * 4, threads, 64 * 1024);
}

// y[0 … n) = elements begin … begin+n of x, `begin` a multiple of the block
template <class T, class W, class F>
void readAs(W* y, const std::byte* x, int64_t begin, int64_t n, F f) {
  const T* from = reinterpret_cast<const T*>(x) + begin;
  for (int64_t i = 0; i < n; i++) y[i] = static_cast<W>(f(from[i]));
}
template <int bits, class W, class F>
void readPacked(W* y, const std::byte* x, int64_t begin, int64_t n, F f) {
  constexpr int each = 8 / bits, mask = (1 << bits) - 1;
  for (int64_t i = 0; i < n; i++) {
    const int64_t k = begin + i;
    y[i] = static_cast<W>(f(std::to_integer<int>(x[k / each]) >> (k % each * bits) & mask));
  }
}
constexpr auto same = [](auto v) { return v; };

void readReal(double* y, const std::byte* x, CastType t, int64_t b, int64_t n) {
  switch (t) {
    case CastType::f32: return readAs<float>(y, x, b, n, same);
    case CastType::f64: return readAs<double>(y, x, b, n, same);
    case CastType::f16: return readAs<uint16_t>(y, x, b, n, [](uint16_t v) { return halfToFloat(v); });
    case CastType::bf16: return readAs<uint16_t>(y, x, b, n, [](uint16_t v) { return bfloatToFloat(v); });
    case CastType::f8e4m3fn:
      return readAs<uint8_t>(y, x, b, n, [](int v) { return decodeSmall(smallFloat(CastType::f8e4m3fn), v); });
    case CastType::f8e4m3fnuz:
      return readAs<uint8_t>(y, x, b, n, [](int v) { return decodeSmall(smallFloat(CastType::f8e4m3fnuz), v); });
    case CastType::f8e5m2:
      return readAs<uint8_t>(y, x, b, n, [](int v) { return decodeSmall(smallFloat(CastType::f8e5m2), v); });
    case CastType::f8e5m2fnuz:
      return readAs<uint8_t>(y, x, b, n, [](int v) { return decodeSmall(smallFloat(CastType::f8e5m2fnuz), v); });
    case CastType::f8e8m0: return readAs<uint8_t>(y, x, b, n, [](int v) { return decodePower(v); });
    default: return readPacked<4>(y, x, b, n, [](int v) { return decodeSmall(smallFloat(CastType::f4e2m1), v); });
  }
}

void readInt(int64_t* y, const std::byte* x, CastType t, int64_t b, int64_t n) {
  switch (t) {
    case CastType::i8: return readAs<int8_t>(y, x, b, n, same);
    case CastType::i16: return readAs<int16_t>(y, x, b, n, same);
    case CastType::i32: return readAs<int32_t>(y, x, b, n, same);
    case CastType::i64: return readAs<int64_t>(y, x, b, n, same);
    case CastType::u8: return readAs<uint8_t>(y, x, b, n, same);
    case CastType::u16: return readAs<uint16_t>(y, x, b, n, same);
    case CastType::u32: return readAs<uint32_t>(y, x, b, n, same);
    case CastType::i4: return readPacked<4>(y, x, b, n, [](int v) { return (v ^ 8) - 8; });
    case CastType::u4: return readPacked<4>(y, x, b, n, same);
    case CastType::i2: return readPacked<2>(y, x, b, n, [](int v) { return (v ^ 2) - 2; });
    case CastType::u2: return readPacked<2>(y, x, b, n, same);
    default: return readAs<uint8_t>(y, x, b, n, [](uint8_t v) { return v != 0; });
  }
}

template <class T, class W, class F>
void writeAs(std::byte* y, const W* x, int64_t begin, int64_t n, F f) {
  T* to = reinterpret_cast<T*>(y) + begin;
  for (int64_t i = 0; i < n; i++) to[i] = static_cast<T>(f(x[i]));
}
template <int bits, class W, class F>
void writePacked(std::byte* y, const W* x, int64_t begin, int64_t n, F f) {
  constexpr int each = 8 / bits, mask = (1 << bits) - 1;
  for (int64_t i = 0; i < n; i += each) {
    int packed = 0;
    for (int k = 0; k < each && i + k < n; k++) packed |= (static_cast<int>(f(x[i + k])) & mask) << (k * bits);
    y[(begin + i) / each] = static_cast<std::byte>(packed);
  }
}

template <class W>
int64_t wrap(W v) {
  if constexpr (std::is_same_v<W, double>) {
    return v >= -0x1p63 && v < 0x1p63 ? static_cast<int64_t>(v) : INT64_MIN;
  } else {
    return static_cast<int64_t>(v);
  }
}
template <class W>
uint64_t wrapUnsigned(W v) {
  if constexpr (std::is_same_v<W, double>) {
    if (v >= 0x1p63 && v < 0x1p64) return static_cast<uint64_t>(v);
  }
  return static_cast<uint64_t>(wrap(v));
}
// An integer or a double as float, rounded once.
template <class W>
float single(W v) {
  return static_cast<float>(v);
}
template <class W>
void write(std::byte* y, const W* x, const CastParams& p, int64_t b, int64_t n) {
  const bool saturate = p.saturate != 0;
  const auto small = [&](const SmallFloat& f) {
    writeAs<uint8_t>(y, x, b, n, [&](W v) { return encodeSmall(f, static_cast<double>(v), saturate); });
  };
  switch (static_cast<CastType>(p.to)) {
    case CastType::f32: return writeAs<float>(y, x, b, n, single<W>);
    case CastType::f64: return writeAs<double>(y, x, b, n, same);
    case CastType::f16:
      return writeAs<uint16_t>(y, x, b, n, [](W v) { return floatToHalf(roundedToOdd(static_cast<double>(v))); });
    case CastType::bf16:
      return writeAs<uint16_t>(y, x, b, n, [](W v) { return floatToBfloat(roundedToOdd(static_cast<double>(v))); });
    case CastType::f8e4m3fn: return small(smallFloat(CastType::f8e4m3fn));
    case CastType::f8e4m3fnuz: return small(smallFloat(CastType::f8e4m3fnuz));
    case CastType::f8e5m2: return small(smallFloat(CastType::f8e5m2));
    case CastType::f8e5m2fnuz: return small(smallFloat(CastType::f8e5m2fnuz));
    case CastType::f8e8m0:
      return writeAs<uint8_t>(y, x, b, n, [&](W v) {
        return encodePower(static_cast<double>(v), saturate, static_cast<CastRound>(p.round));
      });
    case CastType::f4e2m1:
      return writePacked<4>(
          y, x, b, n, [](W v) { return encodeSmall(smallFloat(CastType::f4e2m1), static_cast<double>(v), true); });
    case CastType::i8: return writeAs<int8_t>(y, x, b, n, wrap<W>);
    case CastType::i16: return writeAs<int16_t>(y, x, b, n, wrap<W>);
    case CastType::i32: return writeAs<int32_t>(y, x, b, n, wrap<W>);
    case CastType::i64: return writeAs<int64_t>(y, x, b, n, wrap<W>);
    case CastType::u8: return writeAs<uint8_t>(y, x, b, n, wrap<W>);
    case CastType::u16: return writeAs<uint16_t>(y, x, b, n, wrap<W>);
    case CastType::u32: return writeAs<uint32_t>(y, x, b, n, wrap<W>);
    case CastType::u64: return writeAs<uint64_t>(y, x, b, n, wrapUnsigned<W>);
    case CastType::i4:
    case CastType::u4: return writePacked<4>(y, x, b, n, wrap<W>);
    case CastType::i2:
    case CastType::u2: return writePacked<2>(y, x, b, n, wrap<W>);
    case CastType::boolean: return writeAs<uint8_t>(y, x, b, n, [](W v) { return v != 0; });
  }
}

// The pairs that models convert most, without the wide block; a whole block has a constant length, which is what
// makes the compiler vectorize it. The results are those of the two-step way.
template <class T, class U, class F>
bool direct(std::byte* y, const std::byte* x, int64_t begin, int64_t n, F f) {
  T* to = reinterpret_cast<T*>(y) + begin;
  const U* from = reinterpret_cast<const U*>(x) + begin;
  if (n == kBlock) {
    for (int64_t i = 0; i < kBlock; i++) to[i] = static_cast<T>(f(from[i]));
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = static_cast<T>(f(from[i]));
  }
  return true;
}
constexpr int pairOf(CastType from, CastType to) { return static_cast<int>(from) * 32 + static_cast<int>(to); }
// A float as int64, with what int64 cannot hold as its least value.
inline int64_t truncated(float v) { return v >= -0x1p63f && v < 0x1p63f ? static_cast<int64_t>(v) : INT64_MIN; }
constexpr auto truth = [](auto v) { return v != 0; };

bool directly(std::byte* y, const std::byte* x, const CastParams& p, int64_t b, int64_t n) {
  using enum CastType;
  switch (pairOf(static_cast<CastType>(p.from), static_cast<CastType>(p.to))) {
    case pairOf(u8, f32): return direct<float, uint8_t>(y, x, b, n, same);
    case pairOf(i8, f32): return direct<float, int8_t>(y, x, b, n, same);
    case pairOf(i32, f32): return direct<float, int32_t>(y, x, b, n, same);
    case pairOf(i64, f32): return direct<float, int64_t>(y, x, b, n, same);
    case pairOf(f64, f32): return direct<float, double>(y, x, b, n, same);
    case pairOf(f32, f64): return direct<double, float>(y, x, b, n, same);
    case pairOf(i32, i64): return direct<int64_t, int32_t>(y, x, b, n, same);
    case pairOf(i64, i32): return direct<int32_t, int64_t>(y, x, b, n, same);
    case pairOf(u8, i32): return direct<int32_t, uint8_t>(y, x, b, n, same);
    case pairOf(i8, i32): return direct<int32_t, int8_t>(y, x, b, n, same);
    case pairOf(boolean, i32): return direct<int32_t, uint8_t>(y, x, b, n, truth);
    case pairOf(boolean, i64): return direct<int64_t, uint8_t>(y, x, b, n, truth);
    case pairOf(i32, boolean): return direct<uint8_t, int32_t>(y, x, b, n, truth);
    case pairOf(i64, boolean): return direct<uint8_t, int64_t>(y, x, b, n, truth);
    case pairOf(f32, i64): return direct<int64_t, float>(y, x, b, n, truncated);
    case pairOf(f32, i32): return direct<int32_t, float>(y, x, b, n, truncated);
    case pairOf(f32, u8): return direct<uint8_t, float>(y, x, b, n, truncated);
    case pairOf(f32, i8): return direct<int8_t, float>(y, x, b, n, truncated);
    default: return false;
  }
}

}  // namespace

extern const Contract cast_contract{"cast", "wr", 0, sizeof(CastParams), false, verify, tiles, nullptr};

Fault cast_scalar(const Work& w) {
  const auto& p = w.as<CastParams>();
  const auto from = static_cast<CastType>(p.from);
  const Range r = tileRange(p.count, w.tile, w.tiles, kBlock);
  for (int64_t b = r.begin; b < r.end; b += kBlock) {
    const int64_t n = r.end - b < kBlock ? r.end - b : kBlock;
    const std::byte* x = w.operand[1];
    std::byte* y = w.operand[0];
    if (directly(y, x, p, b, n)) continue;
    switch (wideOf(from)) {
      case Wide::real: {
        double wide[kBlock];
        readReal(wide, x, from, b, n);
        write(y, wide, p, b, n);
        break;
      }
      case Wide::signedInt: {
        int64_t wide[kBlock];
        readInt(wide, x, from, b, n);
        write(y, wide, p, b, n);
        break;
      }
      case Wide::unsignedInt: {
        uint64_t wide[kBlock];
        readAs<uint64_t>(wide, x, b, n, same);
        write(y, wide, p, b, n);
        break;
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
