// Which entry of depthwise_f32.cu computes a convolution.
#include "kernels/depthwise/params.gen.h"
#include "kernels/gpu.h"
#include "kernels/sizes.h"

namespace dsnk {

// Kernels whose taps and strides are constants, with positions that stay within 31 bits.
static const char* slideOf(const DepthwiseParams& p) {
  const bool square = p.kernel[0] == p.kernel[1] && p.strides[0] == p.strides[1];
  if (!square || p.dilations[0] != 1 || p.dilations[1] != 1) return nullptr;
  constexpr int32_t reach = 1 << 28;
  for (int a = 0; a < 2; a++) {
    if (p.pads[a] <= -reach || p.pads[a] >= reach || p.outSize[a] >= reach || p.inSize[a] >= reach) return nullptr;
  }
  switch (int64_t{p.kernel[0]} * 4 + (p.strides[0] < 3 ? p.strides[0] : 0)) {
    case 3 * 4 + 1: return "depthwise_f32_3x3";
    case 3 * 4 + 2: return "depthwise_f32_3x3_stride2";
    case 5 * 4 + 1: return "depthwise_f32_5x5";
    case 5 * 4 + 2: return "depthwise_f32_5x5_stride2";
    default: return nullptr;
  }
}

void depthwise_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<DepthwiseParams>();
  const char* slide = slideOf(p);
  const int64_t pieces = int64_t{p.batch} * p.outSize[0] * ceilDiv(p.outSize[1], slide == nullptr ? 1 : 4);
  if (pieces == 0 || p.channels == 0) return;
  const int64_t quads = ceilDiv(p.channels, 4);
  int64_t along = 1;
  while (along < 64 && along < quads) along *= 2;
  const int64_t blocks = ceilDiv(quads, along), rows = 256 / along, all = ceilDiv(pieces, rows);
  // As many pieces a launch as a grid can have blocks.
  const int64_t most = INT32_MAX / blocks;
  for (int64_t first = 0; first < all; first += most) {
    Launch launch("depthwise_f32", slide == nullptr ? "depthwise_f32_any" : slide);
    launch.grid[0] = static_cast<uint32_t>((all - first < most ? all - first : most) * blocks);
    launch.number[0] = along;
    launch.number[1] = blocks;
    launch.number[2] = first * rows;
    plan.add(launch);
  }
}

}  // namespace dsnk
