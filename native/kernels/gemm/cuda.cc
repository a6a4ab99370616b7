// Which tiles of gemm_f32.cu compute a product.
#include "kernels/gemm/grid.h"
#include "kernels/gemm/product_cuda.h"
#include "kernels/launches.h"
#include "kernels/sizes.h"

namespace dsnk {

static constexpr int64_t kFewRows = 8;

// Few rows read b at the speed of memory; for more the tiles are what multiplies.
static void addFewRows(LaunchPlan& plan, const char* const (&entries)[3], const char* sum, const GpuProduct& product,
                       const GpuTraits& gpu) {
  const int choice = product.m == 1 ? 0 : product.m <= 4 ? 1 : 2;
  const GpuTileShape shape{
      entries[choice], choice == 0 ? 1 : choice * 4, kGpuPanel, 32, 256, choice == 2 ? 2 : 4, 1.0f};
  addProduct(plan, "gemm_f32", sum, shape, product,
             gpuCut(product.batch, product.m, product.n, product.k, shape.rows, shape.columns, shape.depth,
                    gpu.multiprocessors, shape.resident));
}

static void addTiles(LaunchPlan& plan, const GpuTileShape* shapes, int count, const char* sum,
                     const GpuProduct& product, const GpuTraits& gpu) {
  GpuCut cut{};
  const GpuTileShape& shape = chooseTile(product, shapes, count, gpu, cut);
  addProduct(plan, "gemm_f32", sum, shape, product, cut);
}

void gemm_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GemmParams>();
  const GpuProduct product{gemmBatch(p), p.m, p.n, p.k};
  if (product.batch == 0 || p.m == 0 || p.n == 0) return;
  static constexpr const char* rows[] = {"gemm_f32_rows1", "gemm_f32_rows4", "gemm_f32_rows8"};
  if (p.m <= kFewRows) return addFewRows(plan, rows, "gemm_f32_sum", product, *problem.gpu);
  static constexpr GpuTileShape tiles[] = {{"gemm_f32_128x128", 128, 128, 8, 256, 2, 1.0f},
                                           {"gemm_f32_64x64", 64, 64, 16, 128, 4, 0.8f},
                                           {"gemm_f32_128x32", 128, 32, 16, 128, 4, 0.75f}};
  addTiles(plan, tiles, 3, "gemm_f32_sum", product, *problem.gpu);
}

void gemm_direct_f32_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GemmDirectParams>();
  const GpuProduct product{gemmBatch(p), p.m, p.n, p.k};
  if (product.batch == 0 || p.m == 0 || p.n == 0) return;
  static constexpr const char* rows[] = {"gemm_direct_f32_rows1", "gemm_direct_f32_rows4", "gemm_direct_f32_rows8"};
  static constexpr GpuTileShape tiles[] = {{"gemm_direct_f32_128x128", 128, 128, 8, 256, 2, 1.0f},
                                           {"gemm_direct_f32_64x64", 64, 64, 16, 128, 4, 0.8f}};
  static constexpr GpuTileShape transposed[] = {{"gemm_direct_f32_transposed_64x64", 64, 64, 16, 128, 4, 0.8f}};
  if (p.transB != 0) return addTiles(plan, transposed, 1, "gemm_direct_f32_sum", product, *problem.gpu);
  if (p.m <= kFewRows) return addFewRows(plan, rows, "gemm_direct_f32_sum", product, *problem.gpu);
  addTiles(plan, tiles, 2, "gemm_direct_f32_sum", product, *problem.gpu);
}

void gemm_pack_b_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GemmPackBParams>();
  launchOver(problem, plan, "pack_b", "pack_b_words", p.count * ceilDiv(p.n, p.nr) * p.k * p.nr, 256);
}

}  // namespace dsnk
