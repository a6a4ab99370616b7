// Computes  y[pixel,j] = ending(Σ_k window(pixel)[k]·b[k,j] + bias[j]): integerConv (product.inl) on a GPU
// Shapes    x [N,D,H,W,C] unsigned bytes, what lies around it is `padding`; the others as gemm_i8.cu has them, for each group
// Numerics  as gemm_i8.cu
// Tiling    gemm_i8.cu, with 128 x 64 in place of 128 x 128, for which registers do not suffice. The rows of a are gathered on
//           the way: a thread copies the same chunk of k of several pixels, so that the tap and what it adds to an address
//           are found once a step for all of them. Where channels of a group are whole chunks, or words, copies go past the
//           registers; else byte by byte. Padding is stored, not copied
//           nvcc 13, sm_80, registers: 128x64 128, 64x64 126, 16x64 122, dot 128, far 160; none spilled
// Packing   as gemm_i8.cu, one matrix for each group
// Source    our own
#include <type_traits>

#include "kernels/integer/product.cuh"

namespace dsnk {

// The windows that a thread copies a chunk of. Place: int32_t where neither positions of taps nor addresses in x need more;
// addresses of taps that are not inside may be anything.
template <class T, class Place>
struct WindowRows {
  using Address = std::make_unsigned_t<Place>;
  static constexpr IntegerTile tile = T::tile;
  static constexpr int step = tile.threads() / tile.chunks(), passes = tile.rows / step, passBytes = step * tile.depth;
  static_assert(step * tile.chunks() / 8 % tile.chunks() == 0, "chunks of all passes are turned alike");
  const IntegerConvolutionParams& p;
  // Where the window of a pixel begins; they stand behind the stages, since registers are scarce.
  struct alignas(16) Window {
    Place first[3];
    Address origin;
  };
  const uint8_t* x;  // of this group
  const Window* window;
  int inner, depth, at, grain, place;
  int channel, tap[3];

  __device__ __forceinline__ WindowRows(const IntegerConvolutionParams& params, const uint8_t* group, int64_t pixel,
                                        int64_t pixels, int k, int k0)
      : p(params), x(group), inner(params.channels < params.group ? 1 : params.channels / params.group), depth(k) {
    const int thread = static_cast<int>(threadIdx.x), chunk = thread % tile.chunks(), row = thread / tile.chunks();
    auto* const windows = reinterpret_cast<Window*>(shared_memory() + tile.sharedBytes());
    window = windows + row;
    place = placeOfA(row, chunk, tile.chunks());
    grain = grainOf(x, static_cast<int64_t>(p.channels) | inner);
    at = k0 + chunk * kChunk;
    const int taps = at / inner, rows = taps / p.kernel[2];
    channel = at - taps * inner;
    tap[2] = taps - rows * p.kernel[2];
    tap[0] = rows / p.kernel[1];
    tap[1] = rows - tap[0] * p.kernel[1];
    for (int r = thread; r < tile.rows; r += tile.threads()) {
      int64_t rest = pixel + r;
      const bool there = rest < pixels;
      Window v;
#pragma unroll
      for (int a = 2; a >= 0; a--) {
        const int64_t whole = there ? divide(rest, p.outSize[a]).whole : 0, o = rest - whole * p.outSize[a];
        rest = whole;
        // Beyond the last pixel nothing is inside.
        v.first[a] = there ? static_cast<Place>(o * p.strides[a] - p.pads[a]) : static_cast<Place>(p.inSize[a]);
      }
      v.origin = addressOf(static_cast<Address>(rest) * p.inSize[0] + v.first[0], v.first);
      windows[r] = v;
    }
    sync_block();
  }

  // Of the pixel at position to[1], to[2] of a plane.
  __device__ __forceinline__ Address addressOf(Address plane, const Place (&to)[3]) const {
    return ((plane * p.inSize[1] + to[1]) * p.inSize[2] + to[2]) * p.channels;
  }
  // A few channels on, at most a step: subtractions are fewer registers than divisions.
  __device__ __forceinline__ void advance(int bytes) {
    at += bytes;
    channel += bytes;
#pragma unroll 1
    while (channel >= inner) {
      channel -= inner;
      if (++tap[2] < p.kernel[2]) continue;
      tap[2] = 0;
      if (++tap[1] < p.kernel[1]) continue;
      tap[1] = 0;
      tap[0]++;
    }
  }

  // What a tap adds to the position of a window.
  struct Shift {
    Place by[3];
    Address bytes;
  };
  __device__ __forceinline__ Shift shift() const {
    Shift s;
#pragma unroll
    for (int a = 0; a < 3; a++) s.by[a] = static_cast<Place>(tap[a]) * static_cast<Place>(p.dilations[a]);
    s.bytes = addressOf(s.by[0], s.by) + channel;
    return s;
  }
  // What the tap of the window of pass i is; nullptr where it is padding.
  __device__ __forceinline__ const uint8_t* seen(int i, const Shift& s) const {
    const Window v = window[i * step];
    bool in = at < depth;
#pragma unroll
    for (int a = 0; a < 3; a++) {
      const Place t = v.first[a] + s.by[a];
      in = in && t >= 0 && t < p.inSize[a];
    }
    return in ? x + (v.origin + s.bytes) : nullptr;
  }

  __device__ __forceinline__ void load(unsigned char* stage) {
    const auto padding = static_cast<uint32_t>(p.padding) * 0x01010101u;
    if (grain == 16) {
      const Shift s = shift();
#pragma unroll
      for (int i = 0; i < passes; i++) {
        const uint8_t* from = seen(i, s);
        unsigned char* to = stage + place + i * passBytes;
        if (from != nullptr || padding == 0) {
          copy_async16(to, from != nullptr ? from : x, from != nullptr);
        } else {
          store16(to, u32x4{{padding, padding, padding, padding}});
        }
      }
      advance(tile.depth);
      return;
    }
#pragma unroll 1
    for (int b = 0; b < kChunk; b += 4) {
      if (grain == 4) {
        const Shift s = shift();
#pragma unroll
        for (int i = 0; i < passes; i++) {
          const uint8_t* from = seen(i, s);
          unsigned char* to = stage + place + i * passBytes + b;
          if (from != nullptr || padding == 0) {
            copy_async4(to, from != nullptr ? from : x, from != nullptr);
          } else {
            storeWord(to, padding);
          }
        }
        advance(4);
      } else {
        uint32_t words[passes] = {};
#pragma unroll 1
        for (int j = 0; j < 32; j += 8) {
          const Shift s = shift();
#pragma unroll
          for (int i = 0; i < passes; i++) {
            const uint8_t* from = seen(i, s);
            words[i] |= (from != nullptr ? uint32_t{*from} : padding & 255) << j;
          }
          advance(1);
        }
#pragma unroll
        for (int i = 0; i < passes; i++) storeWord(stage + place + i * passBytes + b, words[i]);
      }
    }
    advance(tile.depth - kChunk);
  }
};

template <class T, class Sums, class Place>
__device__ __forceinline__ void convTile(const GpuWork& w, const IntegerConvolutionParams& p) {
  const int inner = p.channels / p.group, k = p.kernel[0] * p.kernel[1] * p.kernel[2] * inner;
  const int64_t n = p.outChannels / p.group;
  const int64_t m = static_cast<int64_t>(p.batch) * p.outSize[0] * p.outSize[1] * p.outSize[2];
  const int64_t kPadded = (k + kGpuKr - 1) / kGpuKr * kGpuKr;
  const int64_t packed = k == 0 ? 0 : (n + kGpuNr - 1) / kGpuNr * (kGpuHead + kPadded * kGpuNr);
  for (int group = static_cast<int>(blockIdx.z); group < p.group; group += static_cast<int>(gridDim.z)) {
    sync_block();  // the group before has left shared memory
    const uint8_t* x = w.at<const uint8_t>(1) + static_cast<int64_t>(group) * inner;
    productTile<T, Sums>(
        w, p, p.outChannels, {m, n, k, group * n}, w.at<const std::byte>(2) + group * packed,
        [&](int64_t pixel, int64_t k0) { return WindowRows<T, Place>(p, x, pixel, m, k, static_cast<int>(k0)); });
  }
}

DSNK_ENTRY_FROM(75, 256, 2, conv_i8_128x64, IntegerConvolutionParams) {
  convTile<TallTile, TensorSums<TallTile>, int32_t>(work, params);
}
DSNK_ENTRY_FROM(75, 128, 4, conv_i8_64x64, IntegerConvolutionParams) {
  convTile<MiddleTile, TensorSums<MiddleTile>, int32_t>(work, params);
}
DSNK_ENTRY_FROM(75, 128, 4, conv_i8_16x64, IntegerConvolutionParams) {
  convTile<FlatTile, TensorSums<FlatTile>, int32_t>(work, params);
}
DSNK_ENTRY(256, 2, conv_i8_dot, IntegerConvolutionParams) {
  convTile<DotTile, DotSums<DotTile>, int32_t>(work, params);
}
// Windows whose positions need 64 bits.
DSNK_ENTRY(256, 1, conv_i8_far, IntegerConvolutionParams) {
  convTile<DotTile, DotSums<DotTile>, int64_t>(work, params);
}

}  // namespace dsnk
