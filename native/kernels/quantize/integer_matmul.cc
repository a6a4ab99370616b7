// Computes  sum[…,m,n] = Σk (a[…,m,k] - aZero[m]) · (b[…,k,n] - bZero[n]); matmul_integer gives the sum, qlinear_matmul
//           clip(round(sum · aScale[m] · bScale[n] / yScale) + yZero)
// Shapes    y: [batch, M, N]; a: [.., M, K]; b: [.., K, N], batches by strides; zeros and scales one or one per row,
//           column
// Numerics  int32 sums, wrapping: bit-equal; one float32 product and rounding half to even
// Tiling    one row of y a unit; its N sums stand in scratch while rows of b pass by
// Packing   none
// Source    the ONNX operator definition
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "kernels/quantize/requantize.h"
#include "kernels/sizes.h"

namespace dsnk {

static Size batchesOf(const IntegerMatmulParams& p) {
  Size n = 1;
  for (const int64_t d : p.batch) n = n * Size(d);
  return n;
}

// Elements that matrices of `size` reach through these strides.
static Size reach(const int64_t* batch, const int64_t* stride, Size size) {
  Size last = 1;
  for (int32_t d = 0; d < 6; d++) last = last + Size(batch[d] > 0 ? batch[d] - 1 : 0) * Size(stride[d]);
  return last * size;
}

static const char* verify(const Kernel&, const Check& c, bool quantized) {
  const auto& p = c.as<IntegerMatmulParams>();
  const Size batches = batchesOf(p), m = p.m, n = p.n, k = p.k;
  if (!(batches * m * n * (quantized ? 1 : 4)).fits(c.operandBytes[0])) return "output must hold its shape";
  if ((batches * m).bad() || (m * n).bad() || (k * n).bad() || (m * k).bad()) return "shape must have a sound size";
  if (batches.value() == 0 || p.m == 0 || p.n == 0) return nullptr;
  if (!reach(p.batch, p.aStride, m * k).fits(c.operandBytes[1])) return "a must hold its shape";
  if (!reach(p.batch, p.bStride, k * n).fits(c.operandBytes[2])) return "b must hold its shape";
  if ((p.aZeros != 1 && p.aZeros != p.m) || (p.bZeros != 1 && p.bZeros != p.n))
    return "zeros must be one, or one per row or column";
  if (c.has(3) && !Size(p.aZeros).fits(c.operandBytes[3])) return "aZero must hold its numbers";
  if (c.has(4) && !Size(p.bZeros).fits(c.operandBytes[4])) return "bZero must hold its numbers";
  if (!quantized) return nullptr;
  if ((p.aScales != 1 && p.aScales != p.m) || (p.bScales != 1 && p.bScales != p.n)) {
    return "scales must be one, or one per row or column";
  }
  if (p.scale < 0 || p.scale > static_cast<int32_t>(QuantType::bf16)) return "scale must be a floating QuantType";
  const int64_t each = p.scale == static_cast<int32_t>(QuantType::f32) ? 4 : 2;
  if (!(Size(p.aScales) * each).fits(c.operandBytes[5])) return "aScale must hold its numbers";
  if (!(Size(p.bScales) * each).fits(c.operandBytes[6])) return "bScale must hold its numbers";
  if (!Size(each).fits(c.operandBytes[7])) return "yScale must hold one number";
  return nullptr;
}

static const char* verifyInteger(const Kernel& k, const Check& c) { return verify(k, c, false); }
static const char* verifyQuantized(const Kernel& k, const Check& c) { return verify(k, c, true); }

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const IntegerMatmulParams*>(params);
  if (p.n == 0) return 0;
  const Size cost = Size(p.n) * Size(p.k);
  return tilesFor(static_cast<int64_t>((batchesOf(p) * Size(p.m)).value()), static_cast<int64_t>(cost.value()),
                  threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(static_cast<const IntegerMatmulParams*>(params)->n) * sizeof(uint32_t);
}

extern const Contract matmul_integer_contract{
    "matmul_integer", "wrroo", 0, sizeof(IntegerMatmulParams), false, verifyInteger, tiles, scratchBytes};
extern const Contract qlinear_matmul_contract{
    "qlinear_matmul", "wrroorrro", 0, sizeof(IntegerMatmulParams), false, verifyQuantized, tiles, scratchBytes};

// finish(row of y, m, sums)
template <class A, class B, class F>
static void eachRow(const Work& w, F finish) {
  const auto& p = w.as<IntegerMatmulParams>();
  const A* const aZero = w.at<const A>(3);
  const B* const bZero = w.at<const B>(4);
  // Unsigned, so that sums wrap; products of differences fit 18 bits.
  auto* const sum = reinterpret_cast<uint32_t*>(w.scratch);
  const Range rows = tileRange(static_cast<int64_t>(batchesOf(p).value()) * p.m, w.tile, w.tiles);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    int64_t batch = r / p.m, aAt = 0, bAt = 0;
    const int64_t m = r % p.m;
    for (int32_t d = 5; d >= 0; d--) {
      const int64_t i = batch % p.batch[d];
      batch /= p.batch[d];
      aAt += i * p.aStride[d];
      bAt += i * p.bStride[d];
    }
    const A* const a = w.at<const A>(1) + (aAt * p.m + m) * p.k;
    const B* const b = w.at<const B>(2) + bAt * p.k * p.n;
    const int32_t zero = aZero ? aZero[p.aZeros == 1 ? 0 : m] : 0;
    for (int64_t n = 0; n < p.n; n++) sum[n] = 0;
    uint32_t total = 0;
    for (int64_t k = 0; k < p.k; k++) {
      const int32_t v = a[k] - zero;
      total += static_cast<uint32_t>(v);
      const B* const row = b + k * p.n;
      for (int64_t n = 0; n < p.n; n++) sum[n] += static_cast<uint32_t>(v * row[n]);
    }
    if (bZero) {
      for (int64_t n = 0; n < p.n; n++) sum[n] -= total * static_cast<uint32_t>(bZero[p.bZeros == 1 ? 0 : n]);
    }
    finish(r, m, sum);
  }
}

template <class A, class B>
static Fault matmulInteger(const Work& w) {
  const auto& p = w.as<IntegerMatmulParams>();
  eachRow<A, B>(w, [&](int64_t r, int64_t, const uint32_t* sum) {
    for (int64_t n = 0; n < p.n; n++) w.at<int32_t>(0)[r * p.n + n] = static_cast<int32_t>(sum[n]);
  });
  return Fault::none;
}

static float scaleAt(const Work& w, uint32_t operand, int64_t i) {
  switch (static_cast<QuantType>(w.as<IntegerMatmulParams>().scale)) {
    case QuantType::f16: return toFloat(w.at<const F16>(operand)[i]);
    case QuantType::bf16: return toFloat(w.at<const BF16>(operand)[i]);
    default: return w.at<const float>(operand)[i];
  }
}

template <class A, class B, class Y>
static Fault qlinearMatmul(const Work& w) {
  const auto& p = w.as<IntegerMatmulParams>();
  const float yScale = scaleAt(w, 7, 0);
  const Y zero = w.operand[8] ? *w.at<const Y>(8) : Y{0};
  eachRow<A, B>(w, [&](int64_t r, int64_t m, const uint32_t* sum) {
    const float aScale = scaleAt(w, 5, p.aScales == 1 ? 0 : m);
    for (int64_t n = 0; n < p.n; n++) {
      const float scale = aScale * scaleAt(w, 6, p.bScales == 1 ? 0 : n) / yScale;
      w.at<Y>(0)[r * p.n + n] = requantize<Y>(static_cast<int32_t>(sum[n]), scale, zero);
    }
  });
  return Fault::none;
}

Fault matmul_integer_u8u8_scalar(const Work& w) { return matmulInteger<uint8_t, uint8_t>(w); }
Fault matmul_integer_u8i8_scalar(const Work& w) { return matmulInteger<uint8_t, int8_t>(w); }
Fault matmul_integer_i8u8_scalar(const Work& w) { return matmulInteger<int8_t, uint8_t>(w); }
Fault matmul_integer_i8i8_scalar(const Work& w) { return matmulInteger<int8_t, int8_t>(w); }

Fault qlinear_matmul_u8u8u8_scalar(const Work& w) { return qlinearMatmul<uint8_t, uint8_t, uint8_t>(w); }
Fault qlinear_matmul_u8i8u8_scalar(const Work& w) { return qlinearMatmul<uint8_t, int8_t, uint8_t>(w); }
Fault qlinear_matmul_i8u8u8_scalar(const Work& w) { return qlinearMatmul<int8_t, uint8_t, uint8_t>(w); }
Fault qlinear_matmul_i8i8u8_scalar(const Work& w) { return qlinearMatmul<int8_t, int8_t, uint8_t>(w); }
Fault qlinear_matmul_u8u8i8_scalar(const Work& w) { return qlinearMatmul<uint8_t, uint8_t, int8_t>(w); }
Fault qlinear_matmul_u8i8i8_scalar(const Work& w) { return qlinearMatmul<uint8_t, int8_t, int8_t>(w); }
Fault qlinear_matmul_i8u8i8_scalar(const Work& w) { return qlinearMatmul<int8_t, uint8_t, int8_t>(w); }
Fault qlinear_matmul_i8i8i8_scalar(const Work& w) { return qlinearMatmul<int8_t, int8_t, int8_t>(w); }

}  // namespace dsnk
