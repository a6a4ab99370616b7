// Computes  quantize:   y[e] = clip(round(x[e] / scale[s(e)]) + zero[s(e)])
//           dequantize: y[e] = (x[e] - zero[s(e)]) · scale[s(e)], see linear.cc
// Shapes    as there
// Numerics  as there, bit-equal. Integers of 16 bits and fewer are computed in float32: a quotient of floats rounded to float is
//           the same with and without a detour over float64, and so is a product of a float and 17 bits; other types are
//           computed in float64
// Tiling    four elements a thread, which are a byte of the smallest type. nvcc 13, sm_80, registers: 66, of dequantize 48; none spilled
// Packing   none
// Source    the ONNX operator definition
#include "kernels/cast/params.gen.h"
#include "kernels/quantize/small_floats.h"
#include "kernels/integer/bytes.cuh"
#include "kernels/quantize/params.gen.h"

namespace dsnk {

// Types by the bits of an element, and what kind of number they are.
__device__ __forceinline__ int bitsOf(QuantType t) {
  switch (t) {
    case QuantType::f32:
    case QuantType::i32: return 32;
    case QuantType::f16:
    case QuantType::bf16:
    case QuantType::u16:
    case QuantType::i16: return 16;
    case QuantType::u4:
    case QuantType::i4:
    case QuantType::f4e2m1: return 4;
    case QuantType::u2:
    case QuantType::i2: return 2;
    default: return 8;
  }
}
__device__ __forceinline__ bool isFloat(QuantType t) { return t <= QuantType::bf16; }
__device__ __forceinline__ bool isSigned(QuantType t) {
  return t == QuantType::i8 || t == QuantType::i16 || t == QuantType::i32 || t == QuantType::i4 || t == QuantType::i2;
}
__device__ __forceinline__ float readFloat(QuantType t, const std::byte* x, int64_t i) {
  if (t == QuantType::f32) return reinterpret_cast<const float*>(x)[i];
  if (t == QuantType::f16) return to_float(reinterpret_cast<const half*>(x)[i]);
  return to_float(reinterpret_cast<const bfloat*>(x)[i]);
}
// Integers, and the codes of small floats.
__device__ __forceinline__ int32_t readWhole(QuantType t, const std::byte* x, int64_t i) {
  const int bits = bitsOf(t);
  uint32_t v;
  if (bits == 32) return reinterpret_cast<const int32_t*>(x)[i];
  if (bits == 16) {
    v = reinterpret_cast<const uint16_t*>(x)[i];
  } else {
    const int each = 8 / bits;
    v = static_cast<uint32_t>(x[i / each]) >> static_cast<int>(i % each) * bits & ((1u << bits) - 1);
  }
  return static_cast<int32_t>(v) - (isSigned(t) && v >> (bits - 1) != 0 ? 1 << bits : 0);
}
__device__ __forceinline__ double readAny(QuantType t, const std::byte* x, int64_t i) {
  if (isFloat(t)) return static_cast<double>(readFloat(t, x, i));
  const int32_t v = readWhole(t, x, i);
  return isSmallFloat(t) ? decodeSmall(smallFloatOf(t), v) : static_cast<double>(v);
}

// n of four elements from element i on, which begins a byte.
__device__ __forceinline__ void writeWhole(QuantType t, std::byte* y, int64_t i, const int32_t (&v)[4], int n,
                                           bool aligned) {
  const int bits = bitsOf(t);
  if (bits >= 16) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      if (k >= n) break;
      if (bits == 32) {
        reinterpret_cast<int32_t*>(y)[i + k] = v[k];
      } else {
        reinterpret_cast<uint16_t*>(y)[i + k] = static_cast<uint16_t>(v[k]);
      }
    }
    return;
  }
  uint32_t word = 0;
#pragma unroll
  for (int k = 0; k < 4; k++) {
    if (k < n) word |= (static_cast<uint32_t>(v[k]) & ((1u << bits) - 1)) << k * bits;
  }
  storeBytes(reinterpret_cast<uint8_t*>(y) + i * bits / 8, word, (n * bits + 7) / 8, aligned);
}
__device__ __forceinline__ void writeFloats(QuantType t, std::byte* y, int64_t i, const float (&v)[4], int n) {
#pragma unroll
  for (int k = 0; k < 4; k++) {
    if (k >= n) break;
    if (t == QuantType::f32) {
      reinterpret_cast<float*>(y)[i + k] = v[k];
    } else if (t == QuantType::f16) {
      reinterpret_cast<half*>(y)[i + k] = from_float<half>(v[k]);
    } else {
      reinterpret_cast<bfloat*>(y)[i + k] = from_float<bfloat>(v[k]);
    }
  }
}

// Walks the elements of a group together with the index of their scale.
struct ScaleWalk {
  const QuantizeParams& p;
  int64_t o = 0, a = 0, i = 0;
  __device__ __forceinline__ ScaleWalk(const QuantizeParams& params, int64_t element) : p(params) {
    if (static_cast<ScaleLayout>(p.layout) == ScaleLayout::tensor) return;
    const Quotient row = divide(element, p.inner), plane = divide(row.whole, p.axis);
    o = plane.whole;
    a = plane.rest;
    i = row.rest;
  }
  __device__ __forceinline__ int64_t scale() const {
    switch (static_cast<ScaleLayout>(p.layout)) {
      case ScaleLayout::tensor: return 0;
      case ScaleLayout::axis: return a;
      default: return (o * (divide(p.axis - 1, p.block).whole + 1) + divide(a, p.block).whole) * p.inner + i;
    }
  }
  __device__ __forceinline__ void next() {
    if (++i < p.inner) return;
    i = 0;
    if (++a < p.axis) return;
    a = 0;
    o++;
  }
};

// f(first element, how many, walk) for each group of four.
template <class F>
__device__ __forceinline__ void eachGroup(const QuantizeParams& p, F f) {
  const int64_t count = p.outer * p.axis * p.inner;
  for (int64_t e = firstIndex() * 4; e < count; e += indexStep() * 4) {
    ScaleWalk walk(p, e);
    f(e, static_cast<int>(count - e < 4 ? count - e : 4), walk);
  }
}

__device__ __forceinline__ float roundedTo(QuantType precision, float q) {
  if (precision == QuantType::f16) return to_float(from_float<half>(q));
  if (precision == QuantType::bf16) return to_float(from_float<bfloat>(q));
  return q;
}

DSNK_ENTRY(256, 2, quantize_linear, QuantizeParams) {
  const auto from = static_cast<QuantType>(params.from), to = static_cast<QuantType>(params.to);
  const auto type = static_cast<QuantType>(params.scale), precision = static_cast<QuantType>(params.precision);
  std::byte *y = work.operand[0], *x = work.operand[1], *scales = work.operand[2], *zeros = work.operand[3];
  const bool aligned = isAligned(y, 4);
  if (isSmallFloat(to)) {
    const SmallFloat format = smallFloatOf(to);
    return eachGroup(params, [&](int64_t e, int n, ScaleWalk& walk) {
      int32_t v[4] = {};
#pragma unroll
      for (int k = 0; k < 4; k++, walk.next()) {
        if (k >= n) break;
        const int64_t s = walk.scale();
        const auto q = static_cast<float>(readAny(from, x, e + k) / readAny(type, scales, s));
        const double zero = zeros != nullptr ? readAny(to, zeros, s) : 0.0;
        v[k] = encodeSmall(format, roundedTo(precision, q) + zero, params.saturate != 0);
      }
      writeWhole(to, y, e, v, n, aligned);
    });
  }
  const double low = isSigned(to) ? -static_cast<double>(int64_t{1} << (bitsOf(to) - 1)) : 0.0;
  const double high = static_cast<double>((int64_t{1} << (bitsOf(to) - (isSigned(to) ? 1 : 0))) - 1);
  if (!isFloat(from) || bitsOf(to) == 32) {
    return eachGroup(params, [&](int64_t e, int n, ScaleWalk& walk) {
      int32_t v[4] = {};
#pragma unroll
      for (int k = 0; k < 4; k++, walk.next()) {
        if (k >= n) break;
        const int64_t s = walk.scale();
        const auto q = static_cast<float>(readAny(from, x, e + k) / readAny(type, scales, s));
        const double zero = zeros != nullptr ? static_cast<double>(readWhole(to, zeros, s)) : 0.0;
        double r = rint(static_cast<double>(roundedTo(precision, q))) + zero;
        if (r != r) r = zero;
        v[k] = static_cast<int32_t>(r < low ? low : r > high ? high : r);
      }
      writeWhole(to, y, e, v, n, aligned);
    });
  }
  const auto least = static_cast<float>(low), most = static_cast<float>(high);
  eachGroup(params, [&](int64_t e, int n, ScaleWalk& walk) {
    int32_t v[4] = {};
#pragma unroll
    for (int k = 0; k < 4; k++, walk.next()) {
      if (k >= n) break;
      const int64_t s = walk.scale();
      const float q = roundedTo(precision, readFloat(from, x, e + k) / readFloat(type, scales, s));
      const float zero = zeros != nullptr ? static_cast<float>(readWhole(to, zeros, s)) : 0.0f;
      float r = rintf(q) + zero;
      if (r != r) r = zero;
      v[k] = static_cast<int32_t>(r < least ? least : r > most ? most : r);
    }
    writeWhole(to, y, e, v, n, aligned);
  });
}

DSNK_ENTRY(256, 2, dequantize_linear, QuantizeParams) {
  const auto from = static_cast<QuantType>(params.from), to = static_cast<QuantType>(params.to);
  const auto type = static_cast<QuantType>(params.scale);
  std::byte *y = work.operand[0], *x = work.operand[1], *scales = work.operand[2], *zeros = work.operand[3];
  const bool exact = !isSmallFloat(from) && bitsOf(from) <= 16;
  eachGroup(params, [&](int64_t e, int n, ScaleWalk& walk) {
    float v[4] = {};
#pragma unroll
    for (int k = 0; k < 4; k++, walk.next()) {
      if (k >= n) break;
      const int64_t s = walk.scale();
      if (exact) {
        const int zero = zeros != nullptr ? readWhole(from, zeros, s) : 0;
        v[k] = static_cast<float>(readWhole(from, x, e + k) - zero) * readFloat(type, scales, s);
      } else {
        const double zero = zeros != nullptr ? readAny(from, zeros, s) : 0.0;
        v[k] = static_cast<float>((readAny(from, x, e + k) - zero) * readAny(type, scales, s));
      }
    }
    writeFloats(to, y, e, v, n);
  });
}

}  // namespace dsnk
