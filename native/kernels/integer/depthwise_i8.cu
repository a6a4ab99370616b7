// Computes  y[n,o,c] = ending(Σ_tap x[n, o·stride - pad + tap·dilation, c]·w[tap, c] + bias[c]): depthwise.inl on a GPU
// Shapes    as depthwise.inl has them
// Numerics  sums in 32 bits, wrapping, and the ending of ending.cuh: the bits of every other row
// Tiling    a thread has four channels of two pixels of a row. The bytes of four taps are turned over in registers, so that one
//           DP4A adds up four taps of a channel; filters of sixteen channels lie so that it reads its four as one vector.
//           Neighbouring threads have neighbouring channels: a warp reads 128 bytes in a row. Windows that overlap come from
//           L1. nvcc 13, sm_80, registers: 56, with 64-bit places 62; none spilled
// Packing   depthwise_i8_pack with nr 16, kr 4: channels in natural order
// Source    our own
#include "kernels/integer/bytes.cuh"
#include "kernels/integer/ending.cuh"

namespace dsnk {

constexpr int kDepthwiseNr = 16, kDepthwisePixels = 2;

// Four channels of a pixel from their sums.
__device__ __forceinline__ void endChannels(const IntegerEnding& e, int64_t pixel, int64_t channel, int n,
                                            const int32_t (&sums)[4], bool whole) {
  const uint8_t* residual = e.residual == nullptr ? nullptr : e.residual + pixel * e.residualRow + channel;
  const uint32_t r = residual == nullptr ? 0 : loadBytes(residual, n, false);
  uint32_t bytes = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (i >= n) break;
    const int64_t c = channel + i;
    const int32_t acc = IntegerEnding::biased(sums[i], e.bias[c]);
    const float m = e.multiplierOf(c);
    if (e.output == IntegerOutput::u8) {
      bytes |= static_cast<uint32_t>(e.byte(acc, m, static_cast<int>(r >> 8 * i & 255))) << 8 * i;
    } else {
      reinterpret_cast<uint32_t*>(e.y)[pixel * e.ldc + c] = e.word(acc, m, e.addend != nullptr ? e.addend[c] : 0.0f);
    }
  }
  if (e.output != IntegerOutput::u8) return;
  storeBytes(reinterpret_cast<uint8_t*>(e.y) + pixel * e.ldc + channel, bytes, n, whole);
}

// Place: int32_t where no position of a tap needs more.
template <class Place>
__device__ __forceinline__ void depthwise(const GpuWork& w, const DepthwiseBytesParams& p) {
  const IntegerEnding ending(p, w, p.channels);
  const auto* x = w.at<const uint8_t>(1);
  const int taps = p.kernel[0] * p.kernel[1], groups = (taps + 3) / 4;
  const int64_t blockBytes = 8 * kDepthwiseNr + int64_t{groups} * kDepthwiseNr * 4;
  const bool wholeX = grainOf(x, p.channels) >= 4, wholeY = grainOf(ending.y, ending.ldc) >= 4;
  const auto padding = static_cast<uint32_t>(p.padding) * 0x01010101u;
  const int64_t quads = (int64_t{p.channels} + 3) / 4;
  const int64_t strips = (int64_t{p.outSize[1]} + kDepthwisePixels - 1) / kDepthwisePixels;
  const int64_t units = int64_t{p.batch} * p.outSize[0] * strips * quads;
  for (int64_t unit = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; unit < units;
       unit += int64_t{gridDim.x} * blockDim.x) {
    const int64_t strip = divide(unit, quads).whole, row = divide(strip, strips).whole,
                  image = divide(row, p.outSize[0]).whole;
    const int64_t channel = (unit - strip * quads) * 4, oh = row - image * p.outSize[0];
    const int64_t ow = (strip - row * strips) * kDepthwisePixels;
    const int n = p.channels - channel < 4 ? static_cast<int>(p.channels - channel) : 4;
    const auto firstH = static_cast<Place>(oh * p.strides[0] - p.pads[0]);
    const auto firstW = static_cast<Place>(ow * p.strides[1] - p.pads[1]);
    const uint8_t* from = x + image * p.inSize[0] * p.inSize[1] * p.channels + channel;
    const std::byte* weights =
        w.at<const std::byte>(2) + channel / kDepthwiseNr * blockBytes + 8 * kDepthwiseNr + channel % kDepthwiseNr * 4;
    int32_t sums[kDepthwisePixels][4] = {};
    int tap = 0, kh = 0, kw = 0;
    Place h = firstH, at = firstW;
    for (int group = 0; group < groups; group++, weights += kDepthwiseNr * 4) {
      uint32_t seen[kDepthwisePixels][4];
#pragma unroll
      for (int i = 0; i < 4; i++, tap++) {
#pragma unroll
        for (int j = 0; j < kDepthwisePixels; j++) {
          // A second pixel beyond the row of y is never stored; its sums may be anything.
          const Place column = at + static_cast<Place>(j) * p.strides[1];
          const bool inside = tap < taps && h >= 0 && h < p.inSize[0] && column >= 0 && column < p.inSize[1];
          seen[j][i] = padding;
          if (inside) seen[j][i] = loadBytes(from + (int64_t{h} * p.inSize[1] + column) * p.channels, n, wholeX);
        }
        if (tap + 1 >= taps) continue;  // positions of taps that are none might not fit
        if (++kw < p.kernel[1]) {
          at += p.dilations[1];
        } else {
          kw = 0;
          kh++;
          at = firstW;
          h += p.dilations[0];
        }
      }
      const u32x4 filter = load16(weights);
#pragma unroll
      for (int j = 0; j < kDepthwisePixels; j++) {
        uint32_t columns[4];
        transposeBytes(seen[j], columns);
#pragma unroll
        for (int i = 0; i < 4; i++) sums[j][i] = dot4_u8s8(sums[j][i], columns[i], filter.v[i]);
      }
    }
    const int64_t pixel = row * p.outSize[1] + ow;
#pragma unroll
    for (int j = 0; j < kDepthwisePixels; j++) {
      if (ow + j < p.outSize[1]) endChannels(ending, pixel + j, channel, n, sums[j], wholeY);
    }
  }
}

DSNK_ENTRY(256, 2, depthwise_i8_near, DepthwiseBytesParams) { depthwise<int32_t>(work, params); }
DSNK_ENTRY(256, 2, depthwise_i8_far, DepthwiseBytesParams) { depthwise<int64_t>(work, params); }

}  // namespace dsnk
