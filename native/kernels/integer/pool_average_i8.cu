// Computes  y[n,o,c] = clamp(rne(float(Σ (x - xZero))·(ratio / count)) + zero, low, high): average.inl on a GPU
// Shapes    as average.inl has them
// Numerics  sums in 32 bits, wrapping; one quotient, one product and one rounding in float32: the bits of every other row
// Tiling    a thread has four channels of a pixel; where windows are large, eight threads share its taps and add up through
//           shared memory. Neighbouring threads have neighbouring channels. nvcc 13, sm_80, registers: 66 and 72; none spilled
// Packing   none
// Source    none
#include "kernels/integer/bytes.cuh"
#include "kernels/integer/ending.cuh"
#include "kernels/pool/params.gen.h"

namespace dsnk {

// The taps of one axis that lie inside x, and how many lie inside x and padding: windowOf of pool.h.
struct AverageWindow {
  int64_t start, begin, end, padded;
};
__device__ __forceinline__ AverageWindow averageWindow(const BytePoolParams& p, int axis, int64_t o) {
  const int64_t size = p.inSize[axis], dilation = p.dilations[axis], kernel = p.kernel[axis];
  const int64_t start = o * p.strides[axis] - p.padsBegin[axis];
  const auto below = [&](int64_t bound) {
    const int64_t taps = start >= bound ? 0 : divide(bound - start - 1, dilation).whole + 1;
    return taps < kernel ? taps : kernel;
  };
  const int64_t begin = below(0), end = below(size);
  return {start, begin, end, below(size + p.padsEnd[axis]) - below(-int64_t{p.padsBegin[axis]})};
}

// `slices` threads share the taps of a pixel and four channels; a block has 256 / slices of those.
template <int slices>
__device__ __forceinline__ void average(const GpuWork& w, const BytePoolParams& p) {
  __shared__ uint32_t shared[slices > 1 ? 4 * 256 : 1];
  constexpr int together = 256 / slices;
  const int thread = static_cast<int>(threadIdx.x), slice = thread / together;
  const auto* x = w.at<const uint8_t>(1);
  auto* y = w.at<uint8_t>(0);
  const bool wholeX = grainOf(x, p.channels) >= 4, wholeY = grainOf(y, p.ldc) >= 4;
  const int64_t quads = (int64_t{p.channels} + 3) / 4;
  const int64_t units = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2] * quads;
  for (int64_t first = int64_t{blockIdx.x} * together; first < units; first += int64_t{gridDim.x} * together) {
    const int64_t unit = first + thread % together;
    const bool there = unit < units;
    const int64_t pixel = there ? divide(unit, quads).whole : 0, channel = there ? (unit - pixel * quads) * 4 : 0;
    const int n = p.channels - channel < 4 ? static_cast<int>(p.channels - channel) : 4;
    const int64_t row = divide(pixel, p.outSize[2]).whole, plane = divide(row, p.outSize[1]).whole;
    const int64_t image = divide(plane, p.outSize[0]).whole;
    const AverageWindow d = averageWindow(p, 0, plane - image * p.outSize[0]);
    const AverageWindow h = averageWindow(p, 1, row - plane * p.outSize[1]);
    const AverageWindow v = averageWindow(p, 2, pixel - row * p.outSize[2]);
    const int64_t high = h.end - h.begin, wide = v.end - v.begin;
    const int64_t inside = (d.end - d.begin) * high * wide;
    uint32_t sums[4] = {};
    for (int64_t t = there ? slice : inside; t < inside; t += slices) {
      const int64_t line = divide(t, wide).whole, layer = divide(line, high).whole;
      const int64_t at[3] = {d.start + (d.begin + layer) * p.dilations[0],
                             h.start + (h.begin + line - layer * high) * p.dilations[1],
                             v.start + (v.begin + t - line * wide) * p.dilations[2]};
      const int64_t place = ((image * p.inSize[0] + at[0]) * p.inSize[1] + at[1]) * p.inSize[2] + at[2];
      const uint32_t word = loadBytes(x + place * p.channels + channel, n, wholeX);
#pragma unroll
      for (int i = 0; i < 4; i++) sums[i] += word >> 8 * i & 255;
    }
    if (slices > 1) {
#pragma unroll
      for (int i = 0; i < 4; i++) shared[i * 256 + thread] = sums[i];
      sync_block();
      for (int s = 1; s < slices && slice == 0; s++) {
#pragma unroll
        for (int i = 0; i < 4; i++) sums[i] += shared[i * 256 + s * together + thread];
      }
      sync_block();
    }
    if (slice != 0 || !there) continue;
    const int64_t count = p.padded != 0 ? d.padded * h.padded * v.padded : inside;
    const float m = p.ratio / (count > 0 ? static_cast<float>(count) : 1.0f);
    const uint32_t zeros = static_cast<uint32_t>(inside) * static_cast<uint32_t>(p.xZero);
    uint32_t bytes = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const auto sum = static_cast<int32_t>(sums[i] - zeros);
      bytes |= static_cast<uint32_t>(byteOf(roundBytes(static_cast<float>(sum) * m), p.zero, p.low, p.high)) << 8 * i;
    }
    storeBytes(y + pixel * p.ldc + channel, bytes, n, wholeY);
  }
}

DSNK_ENTRY(256, 2, pool_average_i8_one, BytePoolParams) { average<1>(work, params); }
DSNK_ENTRY(256, 2, pool_average_i8_eight, BytePoolParams) { average<8>(work, params); }

}  // namespace dsnk
