// Computes  `depthwise` of float32: depthwise.inl has the formula
// Shapes    as the contract says
// Numerics  one fma chain per output in ascending tap from bias; taps in the padding are left out
// Tiling    a thread has 4 channels of 4 neighbouring outputs of a row, so that a loaded column serves all that see it:
//           3x3 of stride 1 are 18 loads of x and 9 of w for 144 fma. Neighbouring threads have neighbouring channels:
//           whole lines of memory. Any other kernel: one output a thread. Memory is what limits it: each number of x is
//           used 9 or 25 times, out of L1 but once. Registers (nvcc 13, sm_80): 54 for 3x3, 62 for 5x5, 41 for any
// Packing   w as [tap][channel]
// Source    none
#include "kernels/depthwise/params.gen.h"
#include "kernels/epilogue/epilogue.cuh"

namespace dsnk {

// Four channels of which `valid` exist, loaded at once where `wide`.
__device__ __forceinline__ Quad channels_of(const float* p, bool wide, int valid) {
  if (wide) return load_quad(p);
  Quad q = {};
#pragma unroll
  for (int j = 0; j < 4; j++) {
    if (j < valid) q.v[j] = p[j];
  }
  return q;
}

// What the thread works on: numbers 0 and 1 of a launch say how many threads of a block lie along channels (a power of two)
// and how many blocks do.
struct DepthwisePlace {
  int64_t channel, row;  // row: of all images, one above the other
  int32_t column;        // the first of `pixels`
  bool some;

  __device__ __forceinline__ DepthwisePlace(const GpuWork& work, const DepthwiseParams& p, int pixels) {
    const auto along = static_cast<uint32_t>(work.number[0]), blocks = static_cast<uint32_t>(work.number[1]);
    channel = (int64_t{blockIdx.x % blocks} * along + threadIdx.x % along) * 4;
    const uint32_t columns = (static_cast<uint32_t>(p.outSize[1]) + pixels - 1) / pixels;
    const int64_t piece = int64_t{blockIdx.x / blocks} * (blockDim.x / along) + threadIdx.x / along + work.number[2];
    const int64_t rows = int64_t{p.batch} * p.outSize[0];
    if (rows * columns < INT32_MAX) {
      row = static_cast<uint32_t>(piece) / columns;
      column = static_cast<int32_t>(static_cast<uint32_t>(piece) % columns) * pixels;
    } else {
      row = piece / columns;
      column = static_cast<int32_t>(piece % columns) * pixels;
    }
    some = channel < p.channels && row < rows;
  }
};

struct DepthwiseOperands {
  const float *x, *w, *bias, *residual;
  float* y;
  int valid;
  bool wide;

  __device__ __forceinline__ DepthwiseOperands(const GpuWork& work, const DepthwiseParams& p, int64_t channel)
      : x(work.at<const float>(1)),
        w(work.at<const float>(2)),
        bias(work.at<const float>(3)),
        residual(work.at<const float>(4)),
        y(work.at<float>(0)) {
    valid = p.channels - channel < 4 ? static_cast<int>(p.channels - channel) : 4;
    const auto bits = [](const void* q) { return reinterpret_cast<uintptr_t>(q); };
    wide = ((bits(x) | bits(w) | bits(bias) | bits(residual) | bits(y)) & 15) == 0 && ((p.channels | p.ldc) & 3) == 0;
  }
  __device__ __forceinline__ Quad begin(int64_t channel) const {
    return bias == nullptr ? Quad{} : channels_of(bias + channel, wide, valid);
  }
  // Output pixel `pixel`.
  __device__ __forceinline__ void finish(const DepthwiseParams& p, Quad t, int64_t pixel, int64_t channel) const {
    const Clamp clamp(p.activation, p.alpha, p.beta);
    if (residual != nullptr) {
      const Quad r = channels_of(residual + pixel * p.channels + channel, wide, valid);
#pragma unroll
      for (int j = 0; j < 4; j++) t.v[j] = t.v[j] + r.v[j];
    }
    float* to = y + pixel * p.ldc + channel;
#pragma unroll
    for (int j = 0; j < 4; j++) t.v[j] = clamp(t.v[j]);
    if (wide) {
      store_quad(to, t);
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        if (j < valid) to[j] = t.v[j];
      }
    }
  }
  // All other activations, over what the thread has just written: their code is long and stands once.
  __device__ __forceinline__ void activateRow(const DepthwiseParams& p, int64_t pixel, int64_t channel,
                                              int pixels) const {
    if (p.activation <= static_cast<int32_t>(Activation::clip)) return;
#pragma unroll 1
    for (int i = 0; i < pixels * 4; i++) {
      if (i % 4 >= valid) continue;
      float* at = y + (pixel + i / 4) * p.ldc + channel + i % 4;
      *at = activate(*at, p.activation, p.alpha, p.beta);
    }
  }
};

// K×K taps, stride S, dilation 1; positions that stay within 31 bits.
template <int K, int S>
__device__ __forceinline__ void depthwise_slide(const GpuWork& work, const DepthwiseParams& p) {
  constexpr int kPixels = 4, kSeen = (kPixels - 1) * S + K;
  const DepthwisePlace place(work, p, kPixels);
  if (!place.some) return;
  const DepthwiseOperands o(work, p, place.channel);
  const int64_t image = place.row / p.outSize[0];
  const int32_t h0 = static_cast<int32_t>(place.row % p.outSize[0]) * S - p.pads[0], w0 = place.column * S - p.pads[1];
  Quad sums[kPixels];
  const Quad bias = o.begin(place.channel);
#pragma unroll
  for (int i = 0; i < kPixels; i++) sums[i] = bias;
  const float* line = o.x + ((image * p.inSize[0] + h0) * p.inSize[1] + w0) * p.channels + place.channel;
#pragma unroll 1
  for (int h = 0; h < K; h++, line += int64_t{p.inSize[1]} * p.channels) {
    if (static_cast<uint32_t>(h0 + h) >= static_cast<uint32_t>(p.inSize[0])) continue;
    Quad tap[K];
#pragma unroll
    for (int k = 0; k < K; k++) {
      tap[k] = channels_of(o.w + int64_t{h * K + k} * p.channels + place.channel, o.wide, o.valid);
    }
#pragma unroll
    for (int column = 0; column < kSeen; column++) {
      if (static_cast<uint32_t>(w0 + column) >= static_cast<uint32_t>(p.inSize[1])) continue;
      const Quad x = channels_of(line + int64_t{column} * p.channels, o.wide, o.valid);
#pragma unroll
      for (int i = 0; i < kPixels; i++) {
        const int k = column - i * S;
        if (k < 0 || k >= K) continue;
#pragma unroll
        for (int j = 0; j < 4; j++) sums[i].v[j] = fmaf(x.v[j], tap[k].v[j], sums[i].v[j]);
      }
    }
  }
  const int64_t pixel = place.row * p.outSize[1] + place.column;
  const int pixels = p.outSize[1] - place.column < kPixels ? p.outSize[1] - place.column : kPixels;
#pragma unroll
  for (int i = 0; i < kPixels; i++) {
    if (i < pixels) o.finish(p, sums[i], pixel + i, place.channel);
  }
  o.activateRow(p, pixel, place.channel, pixels);
}

DSNK_ENTRY(256, 2, depthwise_f32_3x3, DepthwiseParams) { depthwise_slide<3, 1>(work, params); }
DSNK_ENTRY(256, 2, depthwise_f32_3x3_stride2, DepthwiseParams) { depthwise_slide<3, 2>(work, params); }
DSNK_ENTRY(256, 2, depthwise_f32_5x5, DepthwiseParams) { depthwise_slide<5, 1>(work, params); }
DSNK_ENTRY(256, 2, depthwise_f32_5x5_stride2, DepthwiseParams) { depthwise_slide<5, 2>(work, params); }

DSNK_ENTRY(256, 2, depthwise_f32_any, DepthwiseParams) {
  const DepthwiseParams& p = params;
  const DepthwisePlace place(work, p, 1);
  if (!place.some) return;
  const DepthwiseOperands o(work, p, place.channel);
  const int64_t image = place.row / p.outSize[0], h0 = place.row % p.outSize[0] * p.strides[0] - p.pads[0];
  const int64_t w0 = int64_t{place.column} * p.strides[1] - p.pads[1];
  Quad sum = o.begin(place.channel);
  for (int64_t kh = 0; kh < p.kernel[0]; kh++) {
    const int64_t h = h0 + kh * p.dilations[0];
    if (h < 0) continue;
    if (h >= p.inSize[0]) break;
    for (int64_t kw = 0; kw < p.kernel[1]; kw++) {
      const int64_t w = w0 + kw * p.dilations[1];
      if (w < 0) continue;
      if (w >= p.inSize[1]) break;
      const Quad x = channels_of(o.x + ((image * p.inSize[0] + h) * p.inSize[1] + w) * p.channels + place.channel,
                                 o.wide, o.valid);
      const Quad tap = channels_of(o.w + (kh * p.kernel[1] + kw) * p.channels + place.channel, o.wide, o.valid);
#pragma unroll
      for (int j = 0; j < 4; j++) sum.v[j] = fmaf(x.v[j], tap.v[j], sum.v[j]);
    }
  }
  const int64_t pixel = place.row * p.outSize[1] + place.column;
  o.finish(p, sum, pixel, place.channel);
  o.activateRow(p, pixel, place.channel, 1);
}

}  // namespace dsnk
