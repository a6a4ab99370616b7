// Which tiles of conv_f32.cu compute a convolution.
#include "kernels/conv/geometry_cuda.h"

namespace dsnk {

static void addTiles(LaunchPlan& plan, const GpuTileShape* shapes, int count, const GpuProduct& product,
                     const GpuTraits& gpu) {
  GpuCut cut{};
  const GpuTileShape& shape = chooseTile(product, shapes, count, gpu, cut);
  addProduct(plan, "conv_f32", "conv_f32_sum", shape, product, cut);
}

void conv_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<ConvParams>();
  const GpuProduct product = convProduct(p);
  if (product.m == 0 || product.n == 0) return;
  if (!convIsNear(p)) return addConvAny(plan, "conv_f32", "conv_f32_any", product);
  static constexpr GpuTileShape windows[] = {{"conv_f32_128x64", 128, 64, 8, 128, 3, 1.0f},
                                             {"conv_f32_64x64", 64, 64, 16, 128, 4, 0.8f},
                                             {"conv_f32_128x32", 128, 32, 16, 128, 4, 0.75f}};
  static constexpr GpuTileShape points[] = {{"conv_f32_points_128x128", 128, 128, 8, 256, 2, 1.0f},
                                            {"conv_f32_points_64x64", 64, 64, 16, 128, 4, 0.8f},
                                            {"conv_f32_points_128x32", 128, 32, 16, 128, 4, 0.75f}};
  addTiles(plan, convIsPoints(p) ? points : windows, 3, product, *problem.gpu);
}

void conv_transpose_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<ConvParams>();
  const GpuProduct product = convProduct(p);
  if (product.m == 0 || product.n == 0) return;
  if (!convIsNear(p)) return addConvAny(plan, "conv_f32", "conv_transpose_f32_any", product);
  static constexpr GpuTileShape windows[] = {{"conv_transpose_f32_64x64", 64, 64, 16, 128, 4, 1.0f},
                                             {"conv_transpose_f32_128x32", 128, 32, 16, 128, 4, 0.9f}};
  addTiles(plan, windows, 2, product, *problem.gpu);
}

}  // namespace dsnk
