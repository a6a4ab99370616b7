// Which tiles of half/half.cu and bfloat/bfloat.cu compute a product.
#include "kernels/conv/geometry_cuda.h"
#include "kernels/gemm/grid.h"
#include "kernels/gemm/product_sm90.h"
#include "kernels/narrow/tiles_cuda.h"
#include "kernels/sparse/tiles_cuda.h"

namespace dsnk {

template <class T>
static constexpr GpuTileShape shapeOf(const char* entry, int32_t resident, float speed) {
  return {entry, T::rows, T::columns, T::depth, T::threads, resident, speed, T::bytes};
}

// The tiles of one element type.
struct Entries16 {
  const char *module, *gemmSum, *convSum, *convAny;
  GpuTileShape gemm[5], windows[3], points[4];
};

#define DSNK_ENTRIES_16(name, stem)                                                                            \
  {                                                                                                            \
      stem,                                                                                                    \
      "gemm_" name "_sum",                                                                                     \
      "conv_" name "_sum",                                                                                     \
      "conv_" name "_any",                                                                                     \
      {shapeOf<Large16>("gemm_" name "_128x128", 1, 1.0f), shapeOf<Middle16>("gemm_" name "_128x64", 3, 1.0f), \
       shapeOf<Small16>("gemm_" name "_64x64", 4, 0.8f), shapeOf<Narrow16>("gemm_" name "_128x32", 4, 0.7f),   \
       shapeOf<Few16>("gemm_" name "_16x128", 4, 0.5f)},                                                       \
      {shapeOf<Middle16>("conv_" name "_128x64", 3, 1.0f), shapeOf<Small16>("conv_" name "_64x64", 4, 0.8f),   \
       shapeOf<Narrow16>("conv_" name "_128x32", 3, 0.7f)},                                                    \
      {shapeOf<Large16>("conv_" name "_points_128x128", 1, 1.0f),                                              \
       shapeOf<Middle16>("conv_" name "_points_128x64", 3, 1.0f),                                              \
       shapeOf<Small16>("conv_" name "_points_64x64", 4, 0.8f),                                                \
       shapeOf<Narrow16>("conv_" name "_points_128x32", 4, 0.7f)},                                             \
  }

static constexpr Entries16 kHalves = DSNK_ENTRIES_16("f16", "half");
static constexpr Entries16 kBfloats = DSNK_ENTRIES_16("bf16", "bfloat");
#undef DSNK_ENTRIES_16

static void addTiles(LaunchPlan& plan, const Entries16& entries, const GpuTileShape* shapes, int count, const char* sum,
                     const GpuProduct& product, const GpuTraits& gpu) {
  GpuCut cut{};
  const GpuTileShape& shape = chooseTile(product, shapes, count, gpu, cut);
  addProduct(plan, entries.module, sum, shape, product, cut);
}

static void planGemm(const Entries16& entries, const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GemmParams>();
  const GpuProduct product{gemmBatch(p), p.m, p.n, p.k};
  if (product.batch == 0 || p.m == 0 || p.n == 0) return;
  addTiles(plan, entries, entries.gemm, 5, entries.gemmSum, product, *problem.gpu);
}

static void planConv(const Entries16& entries, const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<ConvParams>();
  const GpuProduct product = convProduct(p);
  if (product.m == 0 || product.n == 0) return;
  if (!convIsNear(p)) return addConvAny(plan, entries.module, entries.convAny, product);
  const bool points = convIsPoints(p);
  addTiles(plan, entries, points ? entries.points : entries.windows, points ? 4 : 3, entries.convSum, product,
           *problem.gpu);
}

static void planHopper(const GpuProblem& problem, LaunchPlan& plan, const char* rows, const char* entry) {
  const auto& p = problem.as<GemmParams>();
  addHopperProduct(problem, plan, "gemm_16_sm90", rows, entry, gemmBatch(p), p.m, p.n, p.k * 2);
}

void gemm_f16_sm90(const GpuProblem& p, LaunchPlan& plan) {
  planHopper(p, plan, "gemm_f16_sm90_rows", "gemm_f16_sm90_128x256");
}
void gemm_bf16_sm90(const GpuProblem& p, LaunchPlan& plan) {
  planHopper(p, plan, "gemm_bf16_sm90_rows", "gemm_bf16_sm90_128x256");
}

#define DSNK_SPARSE_SHAPES(name)                                    \
  {shapeOf<SparseLarge16>("sparse_gemm_" name "_128x128", 1, 1.0f), \
   shapeOf<SparseSmall16>("sparse_gemm_" name "_64x64", 3, 0.8f),   \
   shapeOf<SparseFew16>("sparse_gemm_" name "_16x64", 4, 0.4f)}
static constexpr GpuTileShape kSparse[2][3] = {DSNK_SPARSE_SHAPES("f16"), DSNK_SPARSE_SHAPES("bf16")};
#undef DSNK_SPARSE_SHAPES

static void planSparse(const GpuTileShape (&shapes)[3], const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<GemmParams>();
  const GpuProduct product{1, p.m, p.n, p.k};
  if (p.m == 0 || p.n == 0) return;
  GpuCut cut{};
  const GpuTileShape& shape = chooseTile(product, shapes, 3, *problem.gpu, cut);
  addProduct(plan, "sparse_16", "sparse_gemm_sum", shape, product, cut);
}

void sparse_gemm_f16_sm80(const GpuProblem& p, LaunchPlan& plan) { planSparse(kSparse[0], p, plan); }
void sparse_gemm_bf16_sm80(const GpuProblem& p, LaunchPlan& plan) { planSparse(kSparse[1], p, plan); }

void gemm_f16_sm75(const GpuProblem& p, LaunchPlan& plan) { planGemm(kHalves, p, plan); }
void conv_f16_sm75(const GpuProblem& p, LaunchPlan& plan) { planConv(kHalves, p, plan); }
void gemm_bf16_sm80(const GpuProblem& p, LaunchPlan& plan) { planGemm(kBfloats, p, plan); }
void conv_bf16_sm80(const GpuProblem& p, LaunchPlan& plan) { planConv(kBfloats, p, plan); }

}  // namespace dsnk
