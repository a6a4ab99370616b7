// Generated from lib/kernels/inverted-residual.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct InvertedResidualParams {
  int32_t batch;
  int32_t channels;
  int32_t hidden;
  int32_t outChannels;
  int32_t inSize[2];
  int32_t outSize[2];
  int32_t kernel[2];
  int32_t strides[2];
  int32_t pads[2];
  int32_t expand;
  int32_t project;
  int32_t bandRows;
  int32_t ldc;
  int32_t expandActivation;
  float expandAlpha;
  float expandBeta;
  int32_t depthwiseActivation;
  float depthwiseAlpha;
  float depthwiseBeta;
  int32_t projectActivation;
  float projectAlpha;
  float projectBeta;
};
static_assert(sizeof(InvertedResidualParams) == 108);
static_assert(offsetof(InvertedResidualParams, batch) == 0);
static_assert(offsetof(InvertedResidualParams, channels) == 4);
static_assert(offsetof(InvertedResidualParams, hidden) == 8);
static_assert(offsetof(InvertedResidualParams, outChannels) == 12);
static_assert(offsetof(InvertedResidualParams, inSize) == 16);
static_assert(offsetof(InvertedResidualParams, outSize) == 24);
static_assert(offsetof(InvertedResidualParams, kernel) == 32);
static_assert(offsetof(InvertedResidualParams, strides) == 40);
static_assert(offsetof(InvertedResidualParams, pads) == 48);
static_assert(offsetof(InvertedResidualParams, expand) == 56);
static_assert(offsetof(InvertedResidualParams, project) == 60);
static_assert(offsetof(InvertedResidualParams, bandRows) == 64);
static_assert(offsetof(InvertedResidualParams, ldc) == 68);
static_assert(offsetof(InvertedResidualParams, expandActivation) == 72);
static_assert(offsetof(InvertedResidualParams, expandAlpha) == 76);
static_assert(offsetof(InvertedResidualParams, expandBeta) == 80);
static_assert(offsetof(InvertedResidualParams, depthwiseActivation) == 84);
static_assert(offsetof(InvertedResidualParams, depthwiseAlpha) == 88);
static_assert(offsetof(InvertedResidualParams, depthwiseBeta) == 92);
static_assert(offsetof(InvertedResidualParams, projectActivation) == 96);
static_assert(offsetof(InvertedResidualParams, projectAlpha) == 100);
static_assert(offsetof(InvertedResidualParams, projectBeta) == 104);

}  // namespace dsnk
