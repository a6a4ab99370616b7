// Computes  y = activation(scale·t + addScale·(bias + residual)), the end of every product's sums on a GPU
// Shapes    t: rows of floats in shared memory; y, bias and residual as the parameters of the product say
// Numerics  in this order: t·scale, + bias·addScale, + residual·addScale, each rounded; activations as the scalar rows
//           compose them (simd/math-scalar.inl), from the device's elementary functions: 4 ulp. NaN passes every clamp
// Tiling    the block's threads walk quads of columns: whole sectors are written whatever the fragments were. Clamps run
//           on quads; all others, whose code is long, one number at a time, so that it exists once in an entry
// Packing   none
// Source    the ONNX definitions
#pragma once
#include <cmath>
#include <cstring>

#include "cuda/gpu.cuh"
#include "kernels/epilogue/params.gen.h"

namespace dsnk {

// min(high, max(low, x)), where NaN passes.
__device__ __forceinline__ float clamped(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

__device__ __forceinline__ float sigmoid_of(float x) {
  const float e = expf(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

// Any activation of one number.
__device__ __forceinline__ float activate(float x, int32_t kind, float alpha, float beta) {
  switch (static_cast<Activation>(kind)) {
    case Activation::none: return x;
    case Activation::relu: return x < 0.0f ? 0.0f : x;
    case Activation::clip: return clamped(x, alpha, beta);
    case Activation::leakyRelu: return x < 0.0f ? alpha * x : x;
    case Activation::elu: return x < 0.0f ? alpha * expm1f(x) : x;
    case Activation::sigmoid: return sigmoid_of(x);
    case Activation::hardSigmoid: return clamped(fmaf(alpha, x, beta), 0.0f, 1.0f);
    case Activation::silu: return x * sigmoid_of(x);
    case Activation::hardSwish: return x * clamped(fmaf(x, 1.0f / 6.0f, 0.5f), 0.0f, 1.0f);
    case Activation::tanh: return tanhf(x);
    case Activation::gelu: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752440f));
    case Activation::geluTanh: return x * sigmoid_of(2 * 0.7978845608028654f * fmaf(0.044715f * x * x, x, x));
    case Activation::softplus: return (x < 0.0f ? 0.0f : x) + log1pf(expf(-fabsf(x)));
    case Activation::mish: {
      const float e = expf(x > 20.0f ? 20.0f : x), n = e * (e + 2.0f);
      return x * (n / (n + 2.0f));
    }
  }
  return x;
}

// none, relu and clip as one pair of bounds.
struct Clamp {
  float low, high;
  bool any;  // some other activation: `activate` has to do it
  __device__ __forceinline__ Clamp(int32_t activation, float alpha, float beta) {
    const bool clip = activation == static_cast<int32_t>(Activation::clip);
    const float infinite = INFINITY;
    low = clip ? alpha : activation == static_cast<int32_t>(Activation::relu) ? 0.0f : -infinite;
    high = clip ? beta : infinite;
    any = activation > static_cast<int32_t>(Activation::clip);
  }
  __device__ __forceinline__ float operator()(float x) const { return clamped(x, low, high); }
};

// Where a product's sums end. Pointers stand at the first row and column of the matrix, then (`at`) of a tile.
struct Ending {
  float* y;
  int64_t ldc;
  const float* bias;  // of row r, column c: bias[r·biasRow + c·biasColumn]; nullptr = none
  int64_t biasRow;
  int32_t biasColumn;
  const float* residual;  // [rows, residualRow]; nullptr = none
  int64_t residualRow;
  float scale, addScale;
  int32_t activation;
  float alpha, beta;

  __device__ __forceinline__ Ending at(int64_t row, int64_t column) const {
    Ending e = *this;
    e.y += row * ldc + column;
    if (bias != nullptr) e.bias += row * biasRow + column * biasColumn;
    if (residual != nullptr) e.residual += row * residualRow + column;
    return e;
  }
  // The value before the activation.
  __device__ __forceinline__ float sum(float t, int64_t row, int64_t column) const {
    t = t * scale;
    if (bias != nullptr) t = t + bias[row * biasRow + column * biasColumn] * addScale;
    if (residual != nullptr) t = t + residual[row * residualRow + column] * addScale;
    return t;
  }
  __device__ __forceinline__ void finish(float t, int64_t row, int64_t column) const {
    y[row * ldc + column] = activate(sum(t, row, column), activation, alpha, beta);
  }
  // Whether quads of columns may be read and written at once.
  __device__ __forceinline__ bool wide() const {
    const uintptr_t addresses = reinterpret_cast<uintptr_t>(y) | reinterpret_cast<uintptr_t>(residual) |
                                (biasColumn != 0 ? reinterpret_cast<uintptr_t>(bias) : 0);
    const int64_t strides =
        ldc | (residual != nullptr ? residualRow : 0) | (bias != nullptr && biasColumn != 0 ? biasRow : 0);
    return (addresses & 15) == 0 && (strides & 3) == 0;
  }
};

struct Quad {
  float v[4];
};
__device__ __forceinline__ Quad load_quad(const float* p) {
  const u32x4 bits = load16(p);
  Quad q;
  memcpy(&q, &bits, sizeof q);
  return q;
}
__device__ __forceinline__ void store_quad(float* p, const Quad& q) {
  u32x4 bits;
  memcpy(&bits, &q, sizeof bits);
  store16(p, bits);
}

// Ends `rows` × `columns` sums, of at most kColumns, which stand in shared memory `pitch` apart (a multiple of 4). `e`
// stands at the first of them. Called by kThreads threads with their numbers, between barriers.
template <int kThreads, int kColumns>
__device__ __forceinline__ void finish_rows(const float* sums, int pitch, int rows, int columns, const Ending& e,
                                            int thread = static_cast<int>(threadIdx.x)) {
  const Clamp clamp(e.activation, e.alpha, e.beta);
  if (clamp.any || !e.wide()) {
    constexpr int kStep = kThreads / kColumns;
    static_assert(kThreads % kColumns == 0, "a row of threads must end with a row of columns");
    const int column = thread % kColumns;
    if (column >= columns) return;
#pragma unroll 1
    for (int row = thread / kColumns; row < rows; row += kStep) {
      e.finish(sums[row * pitch + column], row, column);
    }
    return;
  }
  constexpr int kQuads = kColumns / 4, kStep = kThreads / kQuads;
  const int column = thread % kQuads * 4;
  if (column >= columns) return;
  const bool whole = column + 4 <= columns;
  Quad bias = {};
  if (e.bias != nullptr && e.biasRow == 0) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (column + j < columns) bias.v[j] = e.bias[(column + j) * e.biasColumn] * e.addScale;
    }
  }
#pragma unroll 2
  for (int row = thread / kQuads; row < rows; row += kStep) {
    Quad t = load_quad(sums + row * pitch + column);
#pragma unroll
    for (int j = 0; j < 4; j++) t.v[j] = t.v[j] * e.scale;
    if (e.bias != nullptr && e.biasRow != 0) {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        if (column + j < columns) t.v[j] = t.v[j] + e.bias[row * e.biasRow + (column + j) * e.biasColumn] * e.addScale;
      }
    } else if (e.bias != nullptr) {
#pragma unroll
      for (int j = 0; j < 4; j++) t.v[j] = t.v[j] + bias.v[j];
    }
    if (whole) {
      if (e.residual != nullptr) {
        const Quad r = load_quad(e.residual + row * e.residualRow + column);
#pragma unroll
        for (int j = 0; j < 4; j++) t.v[j] = t.v[j] + r.v[j] * e.addScale;
      }
#pragma unroll
      for (int j = 0; j < 4; j++) t.v[j] = clamp(t.v[j]);
      store_quad(e.y + row * e.ldc + column, t);
    } else {
#pragma unroll
      for (int j = 0; j < 3; j++) {
        if (column + j >= columns) continue;
        if (e.residual != nullptr) t.v[j] = t.v[j] + e.residual[row * e.residualRow + column + j] * e.addScale;
        e.y[row * e.ldc + column + j] = clamp(t.v[j]);
      }
    }
  }
}

}  // namespace dsnk
