// What plans of convolutions on a GPU share, whatever their element types.
#pragma once
#include "kernels/conv/params.gen.h"
#include "kernels/gemm/product_cuda.h"

namespace dsnk {

// As a product, one for each group.
inline GpuProduct convProduct(const ConvParams& p) {
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2];
  return {p.group, pixels, p.outChannels / p.group, taps * (p.channels / p.group)};
}

// Whether all positions of windows are small enough for windows.cuh (kWindowReach).
inline bool convIsNear(const ConvParams& p) {
  constexpr int64_t reach = 1 << 28;
  for (int a = 0; a < 3; a++) {
    const int64_t pad = p.pads[a] < 0 ? -int64_t{p.pads[a]} : p.pads[a];
    if (int64_t{p.outSize[a]} * p.strides[a] + pad >= reach || p.inSize[a] >= reach) return false;
    if (int64_t{p.kernel[a]} * p.dilations[a] >= reach) return false;
  }
  return true;
}

// Whether every output pixel sees the input pixel of the same number, and no other.
inline bool convIsPoints(const ConvParams& p) {
  bool same = true;
  for (int a = 0; a < 3; a++) {
    same &= p.kernel[a] == 1 && p.strides[a] == 1 && p.pads[a] == 0 && p.inSize[a] == p.outSize[a];
  }
  return same;
}

// One output a thread, walking on where there are more.
inline void addConvAny(LaunchPlan& plan, const char* module, const char* entry, const GpuProduct& p) {
  Launch launch(module, entry);
  const int64_t blocks = (p.batch * p.m * p.n + 255) / 256;
  launch.grid[0] = static_cast<uint32_t>(blocks < INT32_MAX ? blocks : INT32_MAX);
  plan.add(launch);
}

}  // namespace dsnk
