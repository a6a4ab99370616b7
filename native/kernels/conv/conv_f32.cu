// Computes  `conv` and `conv_transpose` of float32: conv.inl has the formula
// Shapes    as the contract says
// Numerics  product_f32.cuh
// Tiling    tiles of product_f32.cuh over pixels and the columns of a group; windows are gathered on their way to shared
//           memory (windows.cuh). 1x1 convolutions of stride 1 read rows as they are. Transposed ones gather too: taps that
//           meet no input pixel are multiplied as zeros, stride² times the work
// Packing   w: panels of 32 columns [k][32] of each group, as conv_pack writes them for nr = kr = 32
// Source    none
#include "kernels/conv/windows.cuh"

namespace dsnk {

__device__ __forceinline__ int64_t group_stride(const ConvParams& p) {
  return conv_depth(p) * ((p.outChannels / p.group + kGpuPanel - 1) / kGpuPanel * kGpuPanel);
}

template <class T, class Source>
__device__ __forceinline__ void conv_tile(const GpuWork& work, const ConvParams& p, float* shared, const GpuTile& tile,
                                          Source& a) {
  const GpuCut cut = cut_of(work);
  const int64_t n = p.outChannels / p.group, depth = conv_depth(p);
  float sums[T::height][T::width];
  {
    auto b = ColumnsByRow::panels(work.at<const float>(2) + tile.batch * group_stride(p), depth, n);
    const int64_t begin = tile.split * cut.splitDepth, rest = depth - begin;
    a.template begin<T>(tile.m * T::rows, begin);
    b.template begin<T>(tile.n * T::columns, begin);
    float_sums<T>(sums, shared, a, b, begin, begin + (rest < cut.splitDepth ? rest : cut.splitDepth));
  }
  const int64_t m = conv_pixels(p);
  const Ending ending = cut.splits > 1 ? partial_ending(work, cut, tile, m, n) : conv_ending(work, p, tile.batch);
  finish_sums<T>(sums, shared, ending, m, n, tile.m * T::rows, tile.n * T::columns);
}

template <class T, bool transposed>
__device__ __forceinline__ void conv_windows(const GpuWork& work, const ConvParams& p) {
  alignas(16) __shared__ float shared[T::floats];
  __shared__ WindowStart starts[T::rows];
  __shared__ GpuTile tile;
  if (threadIdx.x == 0) tile = tile_of(work, cut_of(work));
  sync_block();
  Windows<transposed> a(p, work.at<const float>(1), starts);
  a.template fill<T::rows, T::threads>(tile.m * T::rows, conv_pixels(p), tile.batch);
  sync_block();
  conv_tile<T>(work, p, shared, tile, a);
}

// One tap of stride 1 and no padding.
template <class T>
__device__ __forceinline__ void conv_points(const GpuWork& work, const ConvParams& p) {
  alignas(16) __shared__ float shared[T::floats];
  __shared__ GpuTile tile;
  if (threadIdx.x == 0) tile = tile_of(work, cut_of(work));
  sync_block();
  MatrixRows a(work.at<const float>(1) + tile.batch * (p.channels / p.group), p.channels, 1, conv_pixels(p));
  conv_tile<T>(work, p, shared, tile, a);
}

using Square = FloatTile<128, 128, 8, 8, 8>;
using Tall = FloatTile<128, 64, 8, 8, 8>;
using Small = FloatTile<64, 64, 16, 8, 4>;
using NarrowTile = FloatTile<128, 32, 16, 8, 4>;

DSNK_ENTRY(128, 3, conv_f32_128x64, ConvParams) { conv_windows<Tall, false>(work, params); }
DSNK_ENTRY(128, 4, conv_f32_64x64, ConvParams) { conv_windows<Small, false>(work, params); }
DSNK_ENTRY(128, 4, conv_f32_128x32, ConvParams) { conv_windows<NarrowTile, false>(work, params); }
DSNK_ENTRY(256, 2, conv_f32_points_128x128, ConvParams) { conv_points<Square>(work, params); }
DSNK_ENTRY(128, 4, conv_f32_points_64x64, ConvParams) { conv_points<Small>(work, params); }
DSNK_ENTRY(128, 4, conv_f32_points_128x32, ConvParams) { conv_points<NarrowTile>(work, params); }
DSNK_ENTRY(128, 4, conv_transpose_f32_64x64, ConvParams) { conv_windows<Small, true>(work, params); }
DSNK_ENTRY(128, 4, conv_transpose_f32_128x32, ConvParams) { conv_windows<NarrowTile, true>(work, params); }

DSNK_ENTRY(256, 0, conv_f32_sum, ConvParams) {
  finish_splits(work, conv_pixels(params), params.outChannels / params.group,
                [&](int64_t group) { return conv_ending(work, params, group); });
}

template <bool transposed>
__device__ __forceinline__ void conv_any(const GpuWork& work, const ConvParams& p) {
  const float* w = work.at<const float>(2);
  const int64_t depth = conv_depth(p), stride = group_stride(p);
  convolve_any<transposed>(
      work, p,
      [&](int64_t group, int64_t k, int64_t column) {
        return w[group * stride + (column / kGpuPanel * depth + k) * kGpuPanel + column % kGpuPanel];
      },
      [](float x) { return x; });
}
DSNK_ENTRY(256, 3, conv_f32_any, ConvParams) { conv_any<false>(work, params); }
DSNK_ENTRY(256, 3, conv_transpose_f32_any, ConvParams) { conv_any<true>(work, params); }

}  // namespace dsnk
