// Computes  quantize:   y[e] = clip(round(x[e] / scale[s(e)]) + zero[s(e)])
//           dequantize: y[e] = (x[e] - zero[s(e)]) · scale[s(e)]
// Shapes    y, x: [outer, axis, inner]; scale, zero: one, [axis], or [outer, ceil(axis/block), inner]
// Numerics  quotients rounded once to `precision`, then half to even; NaN becomes the zero point. Products rounded once
//           to the type of y. Both in float64, whose 53 bits make that the same as arithmetic in float32 or narrower
//           types
// Tiling    512 elements a unit, read into float64, computed, written: three small loops instead of one per pair of
//           types; 512 is a whole number of bytes of every packed type
// Packing   4- and 2-bit elements stand in the low bits first
// Source    the ONNX operator definition
#include <cmath>
#include <initializer_list>

#include "kernels/quantize/small_floats.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static constexpr int64_t kBlock = 512;

static int64_t bitsOf(int32_t type) {
  switch (static_cast<QuantType>(type)) {
    case QuantType::f32:
    case QuantType::i32: return 32;
    case QuantType::f16:
    case QuantType::bf16:
    case QuantType::u16:
    case QuantType::i16: return 16;
    case QuantType::u8:
    case QuantType::i8:
    case QuantType::f8e4m3fn:
    case QuantType::f8e4m3fnuz:
    case QuantType::f8e5m2:
    case QuantType::f8e5m2fnuz: return 8;
    case QuantType::u4:
    case QuantType::i4:
    case QuantType::f4e2m1: return 4;
    default: return 2;
  }
}

static bool isFloat(int32_t type) { return type <= static_cast<int32_t>(QuantType::bf16); }

static bool holdsElements(const Check& c, uint32_t operand, Size count, int32_t type) {
  const Size bits = count * Size(bitsOf(type));
  return !bits.bad() && Size(static_cast<int64_t>((bits.value() + 7) / 8)).fits(c.operandBytes[operand]);
}

static const char* verify(const Kernel&, const Check& c, bool quantize) {
  const auto& p = c.as<QuantizeParams>();
  for (const int32_t type : {p.from, p.to, p.scale, p.precision}) {
    if (type < 0 || type >= kQuantTypeCount) return "types must be QuantTypes";
  }
  if (!isFloat(p.scale) || !isFloat(p.precision)) return "scale and precision must be floating";
  if (quantize ? isFloat(p.to) : isFloat(p.from) || !isFloat(p.to)) return "one side must be quantized";
  if (p.layout < 0 || p.layout >= kScaleLayoutCount) return "layout must be a ScaleLayout";
  if (p.saturate != 0 && p.saturate != 1) return "saturate must be 0 or 1";
  if (p.block < 1) return "block must be positive";
  const Size count = Size(p.outer) * Size(p.axis) * Size(p.inner);
  if (!holdsElements(c, 0, count, p.to)) return "output must hold its shape";
  if (!holdsElements(c, 1, count, p.from)) return "input must hold its shape";
  if (count.value() == 0) return nullptr;
  Size scales = 1;
  if (p.layout == static_cast<int32_t>(ScaleLayout::axis)) scales = p.axis;
  if (p.layout == static_cast<int32_t>(ScaleLayout::blocked)) {
    scales = Size(p.outer) * Size((p.axis - 1) / p.block + 1) * Size(p.inner);
  }
  if (!holdsElements(c, 2, scales, p.scale)) return "scale must hold its shape";
  if (c.has(3) && !holdsElements(c, 3, scales, quantize ? p.to : p.from)) return "zero must hold its shape";
  return nullptr;
}

static const char* verifyQuantize(const Kernel& k, const Check& c) { return verify(k, c, true); }
static const char* verifyDequantize(const Kernel& k, const Check& c) { return verify(k, c, false); }

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const QuantizeParams*>(params);
  return tilesFor(ceilDiv(p.outer * p.axis * p.inner, kBlock), kBlock * 4, threads);
}

extern const Contract quantize_linear_contract{"quantize_linear", "wrro", 0,      sizeof(QuantizeParams), false,
                                               verifyQuantize,    tiles,  nullptr};
extern const Contract dequantize_linear_contract{"dequantize_linear", "wrro", 0,      sizeof(QuantizeParams), false,
                                                 verifyDequantize,    tiles,  nullptr};

// Element i of a packed type of `bits` bits.
template <int bits, bool isSigned>
static int unpack(const uint8_t* x, int64_t i) {
  constexpr int each = 8 / bits, top = 1 << bits;
  const int v = x[i / each] >> (i % each * bits) & (top - 1);
  return isSigned && v >= top / 2 ? v - top : v;
}

static double readElement(int32_t type, const void* x, int64_t i) {
  switch (static_cast<QuantType>(type)) {
    case QuantType::f32: return static_cast<const float*>(x)[i];
    case QuantType::f16: return toFloat(static_cast<const F16*>(x)[i]);
    case QuantType::bf16: return toFloat(static_cast<const BF16*>(x)[i]);
    case QuantType::u8: return static_cast<const uint8_t*>(x)[i];
    case QuantType::i8: return static_cast<const int8_t*>(x)[i];
    case QuantType::u16: return static_cast<const uint16_t*>(x)[i];
    case QuantType::i16: return static_cast<const int16_t*>(x)[i];
    case QuantType::i32: return static_cast<const int32_t*>(x)[i];
    case QuantType::u4: return unpack<4, false>(static_cast<const uint8_t*>(x), i);
    case QuantType::i4: return unpack<4, true>(static_cast<const uint8_t*>(x), i);
    case QuantType::u2: return unpack<2, false>(static_cast<const uint8_t*>(x), i);
    case QuantType::i2: return unpack<2, true>(static_cast<const uint8_t*>(x), i);
    case QuantType::f4e2m1:
      return decodeSmall(smallFloat(CastType::f4e2m1), unpack<4, false>(static_cast<const uint8_t*>(x), i));
    default: return decodeSmall(smallFloatOf(static_cast<QuantType>(type)), static_cast<const uint8_t*>(x)[i]);
  }
}

struct Limits {
  double low, high;
};
static Limits limitsOf(int32_t type) {
  const auto bits = static_cast<int>(bitsOf(type));
  switch (static_cast<QuantType>(type)) {
    case QuantType::i8:
    case QuantType::i16:
    case QuantType::i32:
    case QuantType::i4:
    case QuantType::i2: return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
    default: return {0, std::ldexp(1.0, bits) - 1};
  }
}

static void writeBlock(int32_t type, void* y, int64_t begin, int64_t n, double* v, bool saturate) {
  if (isSmallFloat(static_cast<QuantType>(type))) {
    const SmallFloat format = smallFloatOf(static_cast<QuantType>(type));
    for (int64_t i = 0; i < n; i++) v[i] = encodeSmall(format, v[i], saturate);
  }
  auto each = [&](auto* out, auto convert) {
    for (int64_t i = 0; i < n; i++) out[begin + i] = convert(v[i]);
  };
  auto packed = [&](int bits) {
    auto* const out = static_cast<uint8_t*>(y);
    const int perByte = 8 / bits;
    for (int64_t i = 0; i < n; i += perByte) {
      int byte = 0;
      for (int k = 0; k < perByte && i + k < n; k++)
        byte |= (static_cast<int>(v[i + k]) & ((1 << bits) - 1)) << (k * bits);
      out[(begin + i) / perByte] = static_cast<uint8_t>(byte);
    }
  };
  switch (static_cast<QuantType>(type)) {
    case QuantType::f32: each(static_cast<float*>(y), [](double x) { return static_cast<float>(x); }); break;
    case QuantType::f16: each(static_cast<F16*>(y), [](double x) { return toF16(static_cast<float>(x)); }); break;
    case QuantType::bf16: each(static_cast<BF16*>(y), [](double x) { return toBF16(static_cast<float>(x)); }); break;
    case QuantType::u8: each(static_cast<uint8_t*>(y), [](double x) { return static_cast<uint8_t>(x); }); break;
    case QuantType::i8: each(static_cast<int8_t*>(y), [](double x) { return static_cast<int8_t>(x); }); break;
    case QuantType::u16: each(static_cast<uint16_t*>(y), [](double x) { return static_cast<uint16_t>(x); }); break;
    case QuantType::i16: each(static_cast<int16_t*>(y), [](double x) { return static_cast<int16_t>(x); }); break;
    case QuantType::i32: each(static_cast<int32_t*>(y), [](double x) { return static_cast<int32_t>(x); }); break;
    case QuantType::u4:
    case QuantType::i4:
    case QuantType::f4e2m1: packed(4); break;
    case QuantType::u2:
    case QuantType::i2: packed(2); break;
    default: each(static_cast<uint8_t*>(y), [](double x) { return static_cast<uint8_t>(x); });
  }
}

// Walks the elements of a block together with the index of their scale.
struct ScaleWalk {
  const QuantizeParams& p;
  int64_t o, a, i;
  ScaleWalk(const QuantizeParams& params, int64_t element)
      : p(params), o(element / (p.axis * p.inner)), a(element / p.inner % p.axis), i(element % p.inner) {}
  int64_t scale() const {
    switch (static_cast<ScaleLayout>(p.layout)) {
      case ScaleLayout::tensor: return 0;
      case ScaleLayout::axis: return a;
      default: return (o * ((p.axis - 1) / p.block + 1) + a / p.block) * p.inner + i;
    }
  }
  void next() {
    if (++i < p.inner) return;
    i = 0;
    if (++a < p.axis) return;
    a = 0;
    o++;
  }
};

template <class F>
static Fault eachBlock(const Work& w, int32_t zeroType, F compute) {
  const auto& p = w.as<QuantizeParams>();
  const int64_t count = p.outer * p.axis * p.inner;
  const Range range = tileRange(count, w.tile, w.tiles, kBlock);
  double y[kBlock];
  for (int64_t begin = range.begin; begin < range.end; begin += kBlock) {
    const int64_t n = range.end - begin < kBlock ? range.end - begin : kBlock;
    ScaleWalk at(p, begin);
    for (int64_t e = 0; e < n; e++, at.next()) {
      const int64_t s = at.scale();
      const double zero = w.operand[3] ? readElement(zeroType, w.operand[3], s) : 0;
      y[e] = compute(readElement(p.from, w.operand[1], begin + e), readElement(p.scale, w.operand[2], s), zero);
    }
    writeBlock(p.to, w.operand[0], begin, n, y, p.saturate != 0);
  }
  return Fault::none;
}

Fault quantize_linear_scalar(const Work& w) {
  const auto& p = w.as<QuantizeParams>();
  const Limits limits = limitsOf(p.to);
  const bool rounds = !isSmallFloat(static_cast<QuantType>(p.to));  // the small floats round when they are written
  const auto precision = static_cast<QuantType>(p.precision);
  return eachBlock(w, p.to, [&](double x, double scale, double zero) {
    auto quotient = static_cast<float>(x / scale);
    if (precision == QuantType::f16) quotient = toFloat(toF16(quotient));
    if (precision == QuantType::bf16) quotient = toFloat(toBF16(quotient));
    if (!rounds) return quotient + zero;
    double v = std::nearbyint(static_cast<double>(quotient)) + zero;
    if (v != v) v = zero;
    return v < limits.low ? limits.low : v > limits.high ? limits.high : v;
  });
}

Fault dequantize_linear_scalar(const Work& w) {
  return eachBlock(w, w.as<QuantizeParams>().from,
                   [](double x, double scale, double zero) { return (x - zero) * scale; });
}

}  // namespace dsnk
