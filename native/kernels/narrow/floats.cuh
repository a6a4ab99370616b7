// The entries of `gemm` and `conv` with weights of 16 bits, whatever these are: half/half.cu and bfloat/bfloat.cu.
#pragma once
#include "kernels/conv/windows.cuh"
#include "kernels/narrow/product_16.cuh"

namespace dsnk {

template <class Type, class T>
__device__ __forceinline__ void gemm_16(const GpuWork& work, const GemmParams& p) {
  __shared__ GpuTile tile;
  if (threadIdx.x == 0) tile = tile_of(work, cut_of(work));
  sync_block();
  const uint16_t* packed = work.at<const uint16_t>(2) + batch_offset(p, p.strideB, tile.batch);
  MatrixRows a(work.at<const float>(1) + batch_offset(p, p.strideA, tile.batch), p.transA != 0 ? 1 : p.lda,
               p.transA != 0 ? p.lda : 1, p.m);
  tile_16<Type, T>(work, shared_memory(), tile, a, packed, p.m, p.n, p.k,
                   [&] { return matrix_ending(work, p, tile.batch); });
}

template <class Type>
__device__ __forceinline__ const uint16_t* group_weights(const GpuWork& work, const ConvParams& p, int64_t group) {
  const int64_t n = p.outChannels / p.group, k = conv_depth(p);
  const int64_t panel = Type::head + (k + kStep16 - 1) / kStep16 * kStep16 * kGpuPanel;
  return work.at<const uint16_t>(2) + group * ((n + kGpuPanel - 1) / kGpuPanel) * (k == 0 ? 0 : panel);
}

template <class Type, class T>
__device__ __forceinline__ void conv_16(const GpuWork& work, const ConvParams& p) {
  __shared__ WindowStart starts[T::rows];
  __shared__ GpuTile tile;
  if (threadIdx.x == 0) tile = tile_of(work, cut_of(work));
  sync_block();
  Windows<false> a(p, work.at<const float>(1), starts);
  a.template fill<T::rows, T::threads>(tile.m * T::rows, conv_pixels(p), tile.batch);
  sync_block();
  tile_16<Type, T>(work, shared_memory(), tile, a, group_weights<Type>(work, p, tile.batch), conv_pixels(p),
                   p.outChannels / p.group, conv_depth(p), [&] { return conv_ending(work, p, tile.batch); });
}

// One tap of stride 1 and no padding.
template <class Type, class T>
__device__ __forceinline__ void points_16(const GpuWork& work, const ConvParams& p) {
  __shared__ GpuTile tile;
  if (threadIdx.x == 0) tile = tile_of(work, cut_of(work));
  sync_block();
  MatrixRows a(work.at<const float>(1) + tile.batch * (p.channels / p.group), p.channels, 1, conv_pixels(p));
  tile_16<Type, T>(work, shared_memory(), tile, a, group_weights<Type>(work, p, tile.batch), conv_pixels(p),
                   p.outChannels / p.group, conv_depth(p), [&] { return conv_ending(work, p, tile.batch); });
}

template <class Type>
__device__ __forceinline__ void conv_any_16(const GpuWork& work, const ConvParams& p) {
  const int64_t panel = Type::head + (conv_depth(p) + kStep16 - 1) / kStep16 * kStep16 * kGpuPanel;
  convolve_any<false>(
      work, p,
      [&](int64_t group, int64_t k, int64_t column) {
        return Type::weight(group_weights<Type>(work, p, group) + column / kGpuPanel * panel, k,
                            static_cast<int>(column % kGpuPanel));
      },
      [](float x) { return Type::rounded(x); });
}

// Turing copies weights by way of registers, and holds fewer blocks for that.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr int kMiddleBlocks = 2, kNarrowBlocks = 3;
#else
constexpr int kMiddleBlocks = 3, kNarrowBlocks = 4;
#endif

// All entries of one type, for GPUs that have rows of it: its name stands in theirs.
#define DSNK_ENTRIES_16(least, Type, name)                                                                             \
  DSNK_ENTRY_FROM(least, 256, 1, gemm_##name##_128x128, GemmParams) { gemm_16<Type, Large16>(work, params); }          \
  DSNK_ENTRY_FROM(least, 128, kMiddleBlocks, gemm_##name##_128x64, GemmParams) {                                       \
    gemm_16<Type, Middle16>(work, params);                                                                             \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 128, 4, gemm_##name##_64x64, GemmParams) { gemm_16<Type, Small16>(work, params); }            \
  DSNK_ENTRY_FROM(least, 128, kNarrowBlocks, gemm_##name##_128x32, GemmParams) {                                       \
    gemm_16<Type, Narrow16>(work, params);                                                                             \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 128, 4, gemm_##name##_16x128, GemmParams) { gemm_16<Type, Few16>(work, params); }             \
  DSNK_ENTRY_FROM(least, 256, 0, gemm_##name##_sum, GemmParams) {                                                      \
    finish_splits(work, params.m, params.n, [&](int64_t i) { return matrix_ending(work, params, i); });                \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 128, kMiddleBlocks, conv_##name##_128x64, ConvParams) {                                       \
    conv_16<Type, Middle16>(work, params);                                                                             \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 128, 4, conv_##name##_64x64, ConvParams) { conv_16<Type, Small16>(work, params); }            \
  DSNK_ENTRY_FROM(least, 128, 3, conv_##name##_128x32, ConvParams) { conv_16<Type, Narrow16>(work, params); }          \
  DSNK_ENTRY_FROM(least, 256, 1, conv_##name##_points_128x128, ConvParams) { points_16<Type, Large16>(work, params); } \
  DSNK_ENTRY_FROM(least, 128, kMiddleBlocks, conv_##name##_points_128x64, ConvParams) {                                \
    points_16<Type, Middle16>(work, params);                                                                           \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 128, 4, conv_##name##_points_64x64, ConvParams) { points_16<Type, Small16>(work, params); }   \
  DSNK_ENTRY_FROM(least, 128, kNarrowBlocks, conv_##name##_points_128x32, ConvParams) {                                \
    points_16<Type, Narrow16>(work, params);                                                                           \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 256, 0, conv_##name##_sum, ConvParams) {                                                      \
    finish_splits(work, conv_pixels(params), params.outChannels / params.group,                                        \
                  [&](int64_t group) { return conv_ending(work, params, group); });                                    \
  }                                                                                                                    \
  DSNK_ENTRY_FROM(least, 256, 3, conv_##name##_any, ConvParams) { conv_any_16<Type>(work, params); }

}  // namespace dsnk
