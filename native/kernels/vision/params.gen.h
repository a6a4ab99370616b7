// Generated from lib/kernels/vision.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class SamplePadding : int32_t {
  zeros = 0,
  border = 1,
  reflection = 2,
};
constexpr int32_t kSamplePaddingCount = 3;

enum class Sampling : int32_t {
  nearest = 0,
  linear = 1,
  cubic = 2,
};
constexpr int32_t kSamplingCount = 3;

struct AffineGridParams {
  int64_t batches;
  int64_t dims[3];
  int32_t rank;
  int32_t alignCorners;
};
static_assert(sizeof(AffineGridParams) == 40);
static_assert(offsetof(AffineGridParams, batches) == 0);
static_assert(offsetof(AffineGridParams, dims) == 8);
static_assert(offsetof(AffineGridParams, rank) == 32);
static_assert(offsetof(AffineGridParams, alignCorners) == 36);

struct Col2imParams {
  int64_t planes;
  int64_t image[4];
  int64_t block[4];
  int64_t blocks[4];
  int64_t strides[4];
  int64_t pads[4];
  int64_t dilations[4];
};
static_assert(sizeof(Col2imParams) == 200);
static_assert(offsetof(Col2imParams, planes) == 0);
static_assert(offsetof(Col2imParams, image) == 8);
static_assert(offsetof(Col2imParams, block) == 40);
static_assert(offsetof(Col2imParams, blocks) == 72);
static_assert(offsetof(Col2imParams, strides) == 104);
static_assert(offsetof(Col2imParams, pads) == 136);
static_assert(offsetof(Col2imParams, dilations) == 168);

struct DeformConvParams {
  int64_t batches;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t outC;
  int64_t outH;
  int64_t outW;
  int64_t kernelH;
  int64_t kernelW;
  int64_t groups;
  int64_t offsetGroups;
  int64_t strides[2];
  int64_t pads[2];
  int64_t dilations[2];
};
static_assert(sizeof(DeformConvParams) == 136);
static_assert(offsetof(DeformConvParams, batches) == 0);
static_assert(offsetof(DeformConvParams, channels) == 8);
static_assert(offsetof(DeformConvParams, height) == 16);
static_assert(offsetof(DeformConvParams, width) == 24);
static_assert(offsetof(DeformConvParams, outC) == 32);
static_assert(offsetof(DeformConvParams, outH) == 40);
static_assert(offsetof(DeformConvParams, outW) == 48);
static_assert(offsetof(DeformConvParams, kernelH) == 56);
static_assert(offsetof(DeformConvParams, kernelW) == 64);
static_assert(offsetof(DeformConvParams, groups) == 72);
static_assert(offsetof(DeformConvParams, offsetGroups) == 80);
static_assert(offsetof(DeformConvParams, strides) == 88);
static_assert(offsetof(DeformConvParams, pads) == 104);
static_assert(offsetof(DeformConvParams, dilations) == 120);

struct GridSampleParams {
  int64_t batches;
  int64_t channels;
  int64_t dims[3];
  int64_t positions;
  int32_t rank;
  int32_t sampling;
  int32_t padding;
  int32_t alignCorners;
};
static_assert(sizeof(GridSampleParams) == 64);
static_assert(offsetof(GridSampleParams, batches) == 0);
static_assert(offsetof(GridSampleParams, channels) == 8);
static_assert(offsetof(GridSampleParams, dims) == 16);
static_assert(offsetof(GridSampleParams, positions) == 40);
static_assert(offsetof(GridSampleParams, rank) == 48);
static_assert(offsetof(GridSampleParams, sampling) == 52);
static_assert(offsetof(GridSampleParams, padding) == 56);
static_assert(offsetof(GridSampleParams, alignCorners) == 60);

struct MaxUnpoolParams {
  int64_t elements;
  int64_t planes;
  int64_t from[3];
  int64_t to[3];
};
static_assert(sizeof(MaxUnpoolParams) == 64);
static_assert(offsetof(MaxUnpoolParams, elements) == 0);
static_assert(offsetof(MaxUnpoolParams, planes) == 8);
static_assert(offsetof(MaxUnpoolParams, from) == 16);
static_assert(offsetof(MaxUnpoolParams, to) == 40);

struct RoiAlignParams {
  int64_t rois;
  int64_t batches;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t outH;
  int64_t outW;
  int32_t samplingRatio;
  int32_t max;
  int32_t halfPixel;
  float spatialScale;
};
static_assert(sizeof(RoiAlignParams) == 72);
static_assert(offsetof(RoiAlignParams, rois) == 0);
static_assert(offsetof(RoiAlignParams, batches) == 8);
static_assert(offsetof(RoiAlignParams, channels) == 16);
static_assert(offsetof(RoiAlignParams, height) == 24);
static_assert(offsetof(RoiAlignParams, width) == 32);
static_assert(offsetof(RoiAlignParams, outH) == 40);
static_assert(offsetof(RoiAlignParams, outW) == 48);
static_assert(offsetof(RoiAlignParams, samplingRatio) == 56);
static_assert(offsetof(RoiAlignParams, max) == 60);
static_assert(offsetof(RoiAlignParams, halfPixel) == 64);
static_assert(offsetof(RoiAlignParams, spatialScale) == 68);

}  // namespace dsnk
