// What output pixels of a convolution see, as the rows of a matrix: element (pixel, k) with k = (tap, channel), zero in the
// padding. A source of product_f32.cuh and of narrow/product_16.cuh; no matrix is made in memory.
#pragma once
#include "cuda/elements.cuh"
#include "kernels/conv/params.gen.h"
#include "kernels/gemm/operands.cuh"

namespace dsnk {

// Where the window of one row of a tile begins, in shared memory. Transposed, the output pixel plus the padding.
struct WindowStart {
  int32_t d, h, w, unused;
  int64_t offset;  // of that input pixel's first channel, which may lie outside; transposed, of the image's
};

// Beyond every position: a row past the last pixel sees padding only. Plans use these sources where no position and no
// tap lies farther than kWindowReach, so that sums of two stay in 32 bits.
constexpr int32_t kWindowReach = 1 << 28, kOutside = -(1 << 30);

// A tap and a channel, as a thread walks through k.
struct WindowTap {
  int32_t c, d, h, w;  // taps times dilations

  __device__ __forceinline__ WindowTap(const ConvParams& p, int64_t k) {
    const int channels = p.channels == 0 ? 1 : p.channels / p.group;
    const auto tap = static_cast<int>(k / channels);
    c = static_cast<int>(k % channels);
    w = tap % p.kernel[2] * p.dilations[2];
    h = tap / p.kernel[2] % p.kernel[1] * p.dilations[1];
    d = tap / p.kernel[2] / p.kernel[1] * p.dilations[0];
  }
  __device__ __forceinline__ void step(const ConvParams& p, int by) {
    const int channels = p.channels / p.group;
    c += by;
    while (c >= channels) {
      c -= channels;
      w += p.dilations[2];
      if (w < p.kernel[2] * p.dilations[2]) continue;
      w = 0;
      h += p.dilations[1];
      if (h < p.kernel[1] * p.dilations[1]) continue;
      h = 0;
      d += p.dilations[0];
    }
  }
};

template <bool transposed>
struct Windows {
  const ConvParams& p;
  const float* x;
  WindowStart* starts;  // of the tile's rows
  WindowTap tap;
  bool wide;

  __device__ __forceinline__ Windows(const ConvParams& params, const float* image, WindowStart* shared)
      : p(params),
        x(image),
        starts(shared),
        tap(params, 0),
        wide((params.channels / params.group & 3) == 0 && aligned16(image)) {}

  // Fills the table; a barrier must follow before `quads`.
  template <int rows, int threads>
  __device__ __forceinline__ void fill(int64_t row0, int64_t pixels, int64_t group) {
    for (int i = static_cast<int>(threadIdx.x); i < rows; i += threads) {
      WindowStart s{kOutside, kOutside, kOutside, 0, 0};
      int64_t pixel = row0 + i;
      if (pixel < pixels) {
        const auto w = static_cast<int32_t>(pixel % p.outSize[2]);
        pixel /= p.outSize[2];
        const auto h = static_cast<int32_t>(pixel % p.outSize[1]);
        pixel /= p.outSize[1];
        const auto d = static_cast<int32_t>(pixel % p.outSize[0]);
        int64_t at = pixel / p.outSize[0];
        if (transposed) {
          s.d = d + p.pads[0], s.h = h + p.pads[1], s.w = w + p.pads[2];
          at *= int64_t{p.inSize[0]} * p.inSize[1] * p.inSize[2];
        } else {
          s.d = d * p.strides[0] - p.pads[0], s.h = h * p.strides[1] - p.pads[1], s.w = w * p.strides[2] - p.pads[2];
          at = ((at * p.inSize[0] + s.d) * p.inSize[1] + s.h) * p.inSize[2] + s.w;
        }
        s.offset = at * p.channels + group * (p.channels / p.group);
      }
      starts[i] = s;
    }
  }
  template <int rows, int depth>
  __device__ __forceinline__ void start(int64_t, int64_t k0) {
    tap = WindowTap(p, k0 + static_cast<int>(threadIdx.x) % (depth / 4) * 4);
  }
  template <int depth>
  __device__ __forceinline__ void move() {
    tap.step(p, depth);
  }

  // Channel `at.c` of what tap `at` of a row sees; nullptr in the padding.
  __device__ __forceinline__ const float* seen(const WindowStart& s, const WindowTap& at) const {
    int32_t d, h, w;
    if (transposed) {
      const int32_t td = s.d - at.d, th = s.h - at.h, tw = s.w - at.w;
      if ((td | th | tw) < 0) return nullptr;
      d = td / p.strides[0], h = th / p.strides[1], w = tw / p.strides[2];
      if (d * p.strides[0] != td || h * p.strides[1] != th || w * p.strides[2] != tw) return nullptr;
    } else {
      d = s.d + at.d, h = s.h + at.h, w = s.w + at.w;
    }
    if (static_cast<uint32_t>(d) >= static_cast<uint32_t>(p.inSize[0]) ||
        static_cast<uint32_t>(h) >= static_cast<uint32_t>(p.inSize[1]) ||
        static_cast<uint32_t>(w) >= static_cast<uint32_t>(p.inSize[2])) {
      return nullptr;
    }
    // From the window's start in one case, from the image's in the other.
    const int32_t fromD = transposed ? d : at.d, fromH = transposed ? h : at.h, fromW = transposed ? w : at.w;
    return x + s.offset + ((int64_t{fromD} * p.inSize[1] + fromH) * p.inSize[2] + fromW) * p.channels + at.c;
  }

  template <int depth, int step, int count>
  __device__ __forceinline__ void quads(Quad (&q)[count], int left) const {
    const int k = static_cast<int>(threadIdx.x) % (depth / 4) * 4, first = static_cast<int>(threadIdx.x) / (depth / 4);
#pragma unroll
    for (int i = 0; i < count; i++) q[i] = Quad{};
    if (wide) {
      if (k >= left) return;
#pragma unroll
      for (int i = 0; i < count; i++) {
        const float* at = seen(starts[first + i * step], tap);
        if (at != nullptr) q[i] = load_quad(at);
      }
      return;
    }
    WindowTap at = tap;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (k + j >= left) return;
#pragma unroll
      for (int i = 0; i < count; i++) {
        const float* from = seen(starts[first + i * step], at);
        if (from != nullptr) q[i].v[j] = *from;
      }
      at.step(p, 1);
    }
  }

  // As product_f32.cuh asks.
  template <class T>
  __device__ __forceinline__ void begin(int64_t row0, int64_t k0) {
    start<T::rows, T::depth>(row0, k0);
  }
  template <class T>
  __device__ __forceinline__ void advance() {
    move<T::depth>();
  }
  template <class T>
  __device__ __forceinline__ void load(Quad (&q)[T::quadsA], int left) const {
    quads<T::depth, T::threads / (T::depth / 4)>(q, left);
  }
};

// The ends of a convolution's sums, from the first column of a group on.
__device__ __forceinline__ Ending conv_ending(const GpuWork& work, const ConvParams& p, int64_t group) {
  const int64_t column = group * (p.outChannels / p.group);
  const float *bias = work.at<const float>(3), *residual = work.at<const float>(4);
  return {work.at<float>(0) + column,
          p.ldc,
          bias == nullptr ? nullptr : bias + column,
          0,
          1,
          residual == nullptr ? nullptr : residual + column,
          p.outChannels,
          1.0f,
          1.0f,
          p.activation,
          p.alpha,
          p.beta};
}

__device__ __forceinline__ int64_t conv_pixels(const ConvParams& p) {
  return int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
}
__device__ __forceinline__ int64_t conv_depth(const ConvParams& p) {
  return int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2] * (p.channels / p.group);
}

// Any geometry, positions of 64 bits: an output a thread. `weight(group, k, column)`; `round` makes an activation what it
// is multiplied as.
template <bool transposed, class Weight, class Round>
__device__ __forceinline__ void convolve_any(const GpuWork& work, const ConvParams& p, const Weight& weight,
                                             const Round& round) {
  const int64_t columns = p.outChannels / p.group, channels = p.channels / p.group,
                all = conv_pixels(p) * p.outChannels;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < all; i += int64_t{gridDim.x} * blockDim.x) {
    const Quotient place = divide(i, p.outChannels), part = divide(place.rest, columns);
    const int64_t pixel = place.whole, group = part.whole, column = part.rest;
    int64_t rest = pixel, out[3];
#pragma unroll
    for (int a = 2; a >= 0; a--) {
      const Quotient at = divide(rest, p.outSize[a]);
      out[a] = at.rest;
      rest = at.whole;
    }
    float sum = 0.0f;
    int64_t k = 0, tap[3];
    for (tap[0] = 0; tap[0] < p.kernel[0]; tap[0]++) {
      for (tap[1] = 0; tap[1] < p.kernel[1]; tap[1]++) {
        for (tap[2] = 0; tap[2] < p.kernel[2]; tap[2]++, k += channels) {
          int64_t at = rest;
          bool inside = true;
#pragma unroll
          for (int a = 0; a < 3; a++) {
            const int64_t reach = tap[a] * p.dilations[a];
            int64_t position = transposed ? out[a] + p.pads[a] - reach : out[a] * p.strides[a] - p.pads[a] + reach;
            if (transposed) {
              const Quotient step = divide(position < 0 ? 0 : position, p.strides[a]);
              inside = inside && position >= 0 && step.rest == 0;
              position = step.whole;
            }
            inside = inside && position >= 0 && position < p.inSize[a];
            at = at * p.inSize[a] + position;
          }
          if (!inside) continue;
          const float* x = work.at<const float>(1) + at * p.channels + group * channels;
          for (int64_t c = 0; c < channels; c++) sum = fmaf(round(x[c]), weight(group, k + c, column), sum);
        }
      }
    }
    conv_ending(work, p, group).finish(sum, pixel, column);
  }
}

}  // namespace dsnk
