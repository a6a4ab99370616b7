// Which entries of this family's .cu files run, and with what grid.
#include "kernels/gemm/product_sm90.h"
#include "kernels/gpu.h"
#include "kernels/integer/params.gen.h"
#include "kernels/integer/product_tiles.h"
#include "kernels/pool/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {
namespace {

// Whether eight chunks of 16 bytes that go through shared memory at a time lie in different banks: rows of
// one chunk for ldmatrix, and neighbouring chunks for copies.
constexpr bool banksDiffer(const IntegerTile& t) {
  const int chunks = t.chunks();
  for (int first = 0; first < t.rows; first += 8) {
    for (int chunk = 0; chunk < chunks; chunk++) {
      int matrix = 0, copies = 0;
      for (int i = 0; i < 8; i++) {
        const int at = (first * chunks + chunk * 8 + i);
        matrix |= 1 << placeOfA(first + i, chunk, chunks) / kChunk % 8;
        copies |= 1 << placeOfA(at / chunks, at % chunks, chunks) / kChunk % 8;
      }
      if (matrix != 255 || copies != 255) return false;
    }
  }
  return t.sparse || t.bBytes() == placeOfB(t.columns - 1, chunks - 1, chunks) + kChunk;
}
static_assert(banksDiffer(kTileLarge) && banksDiffer(kTileTall) && banksDiffer(kTileMiddle) && banksDiffer(kTileFlat) &&
              banksDiffer(kTileDot) && banksDiffer(kSparseLarge) && banksDiffer(kSparseMiddle) &&
              banksDiffer(kSparseFlat));

// Whether every tile has its place.
constexpr bool coversAll(int64_t rows, int64_t columns) {
  bool seen[256] = {};
  for (int64_t t = 0; t < rows * columns; t++) {
    const TilePlace p = tilePlace(t, rows, columns);
    if (p.row >= rows || p.column >= columns || seen[p.row * columns + p.column]) return false;
    seen[p.row * columns + p.column] = true;
  }
  return true;
}
static_assert(coversAll(1, 7) && coversAll(8, 3) && coversAll(19, 5) && coversAll(7, 1));
// Results of bytes take no more room than the stages.
static_assert(kTileLarge.rows * kTileLarge.resultRow() <= kTileLarge.sharedBytes() &&
              kTileTall.rows * kTileTall.resultRow() <= kTileTall.sharedBytes() &&
              kTileFlat.rows * kTileFlat.resultRow() <= kTileFlat.sharedBytes() &&
              kSparseLarge.rows * kSparseLarge.resultRow() <= kSparseLarge.sharedBytes());

// Products of a batch, all of one shape.
struct GpuProduct {
  int64_t batch, m, n, k;

  int64_t steps(const IntegerTile& t) const { return ceilDiv(roundUp(k, kGpuKr), t.depth); }
  int64_t down(const IntegerTile& t) const { return ceilDiv(m, t.rows); }
  int64_t across(const IntegerTile& t) const { return ceilDiv(n, t.columns); }
  int64_t tiles(const IntegerTile& t) const { return down(t) * across(t); }
};

// Parts of k for a tile: so many that there are two blocks for every multiprocessor, of at least four steps each.
constexpr int64_t kLeastSteps = 4, kMostParts = 64, kMostBatch = 65535;

struct ProductEntry {
  const char *module, *name;
  IntegerTile tile;
  int rowBytes;  // of what stands behind the stages for each row
};

void addProduct(const GpuProblem& problem, LaunchPlan& plan, const GpuProduct& p, const ProductEntry& entry) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return;
  const IntegerTile& tile = entry.tile;
  const int64_t steps = p.steps(tile), batch = p.batch < kMostBatch ? p.batch : kMostBatch;
  int64_t parts = 1;
  if (p.batch == batch) {
    const int64_t wanted = ceilDiv(2 * int64_t{problem.gpu->multiprocessors}, p.tiles(tile) * batch);
    parts = wanted < steps / kLeastSteps ? wanted : steps / kLeastSteps;
    parts = parts < 1 ? 1 : parts > kMostParts ? kMostParts : parts;
  }
  const int64_t ofPart = ceilDiv(steps, parts);
  parts = steps == 0 ? 1 : ceilDiv(steps, ofPart);
  Launch launch(entry.module, entry.name);
  launch.grid[0] = static_cast<uint32_t>(p.tiles(tile));
  launch.grid[1] = static_cast<uint32_t>(parts);
  launch.grid[2] = static_cast<uint32_t>(batch);
  launch.threads = static_cast<uint32_t>(tile.threads());
  launch.sharedBytes = static_cast<uint32_t>(tile.sharedBytes() + tile.rows * entry.rowBytes);
  launch.number[kTilesDown] = p.down(tile);
  launch.number[kTilesAcross] = p.across(tile);
  launch.number[kStepsOfPart] = ofPart;
  launch.number[kPartial] = static_cast<int64_t>(parts > 1 ? PartialSums::write : PartialSums::none);
  plan.add(launch);
  if (parts == 1) return;
  plan.scratch(static_cast<uint64_t>(parts * batch * p.tiles(tile) * tile.rows * tile.columns * 4));
  launch.grid[1] = 1;
  launch.number[kPartial] = static_cast<int64_t>(PartialSums::add);
  plan.add(launch);
}

// Few rows share a flat tile. The large one reads least, once there is one for every multiprocessor.
bool takesFlat(const GpuProduct& p) { return p.m <= 2 * kTileFlat.rows; }
bool takesLarge(const GpuProblem& problem, const GpuProduct& p, const IntegerTile& tile) {
  return p.n > tile.columns / 2 && p.tiles(tile) * p.batch >= problem.gpu->multiprocessors;
}

GpuProduct productOf(const IntegerConvolutionParams& p) {
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2];
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2];
  return {p.group, pixels, p.outChannels / p.group, taps * (p.channels / p.group)};
}

// Whether 32 bits hold every position of a tap, and every address in x.
bool isNear(const IntegerConvolutionParams& p) {
  constexpr int64_t most = INT32_MAX;
  int64_t bytes = p.batch;
  for (int a = 0; a < 3; a++) {
    const int64_t reach = int64_t{p.dilations[a]} * (p.kernel[a] - 1);
    const int64_t last = (int64_t{p.outSize[a]} - 1) * p.strides[a] - p.pads[a];
    if (reach > most - p.inSize[a] || last > most || last + reach > most || reach - p.pads[a] > most) return false;
    // Factors of a product that x holds; without elements nothing bounds them.
    if (__builtin_mul_overflow(bytes, int64_t{p.inSize[a]}, &bytes)) return false;
  }
  return !__builtin_mul_overflow(bytes, int64_t{p.channels}, &bytes) && bytes <= most;
}

constexpr int kNearRow = 16, kFarRow = 32;  // bytes of a window's place
constexpr ProductEntry kConvFar{"conv_i8", "conv_i8_far", kTileDot, kFarRow};

// `each` units a block, in a loop where there are more than the GPU has at a time.
void addUnits(const GpuProblem& problem, LaunchPlan& plan, const char* module, const char* entry, int64_t units,
              int64_t each) {
  const int64_t blocks = ceilDiv(units, each), most = 32 * int64_t{problem.gpu->multiprocessors};
  Launch launch(module, entry);
  launch.grid[0] = static_cast<uint32_t>(blocks < most ? blocks : most);
  plan.add(launch);
}

}  // namespace

void gemm_i8_sm90(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerGemmParams>();
  addHopperProduct(problem, plan, "gemm_i8_sm90", "gemm_i8_sm90_rows", "gemm_i8_sm90_128x256", 1, p.m, p.n, p.k);
}

void gemm_i8_sm75(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerGemmParams>();
  const GpuProduct product{1, p.m, p.n, p.k};
  addProduct(problem, plan, product,
             takesFlat(product)                         ? ProductEntry{"gemm_i8", "gemm_i8_16x64", kTileFlat, 0}
             : takesLarge(problem, product, kTileLarge) ? ProductEntry{"gemm_i8", "gemm_i8_128x128", kTileLarge, 0}
                                                        : ProductEntry{"gemm_i8", "gemm_i8_64x64", kTileMiddle, 0});
}

void gemm_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerGemmParams>();
  addProduct(problem, plan, {1, p.m, p.n, p.k}, {"gemm_i8", "gemm_i8_dot", kTileDot, 0});
}

void sparse_gemm_i8_sm80(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerGemmParams>();
  const GpuProduct product{1, p.m, p.n, p.k};
  constexpr const char* module = "sparse_i8";
  addProduct(problem, plan, product,
             takesFlat(product) ? ProductEntry{module, "sparse_gemm_i8_16x64", kSparseFlat, 0}
             : takesLarge(problem, product, kSparseLarge)
                 ? ProductEntry{module, "sparse_gemm_i8_128x128", kSparseLarge, 0}
                 : ProductEntry{module, "sparse_gemm_i8_64x64", kSparseMiddle, 0});
}

void conv_i8_sm75(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerConvolutionParams>();
  const GpuProduct product = productOf(p);
  addProduct(problem, plan, product,
             !isNear(p)           ? kConvFar
             : takesFlat(product) ? ProductEntry{"conv_i8", "conv_i8_16x64", kTileFlat, kNearRow}
             : takesLarge(problem, product, kTileTall)
                 ? ProductEntry{"conv_i8", "conv_i8_128x64", kTileTall, kNearRow}
                 : ProductEntry{"conv_i8", "conv_i8_64x64", kTileMiddle, kNearRow});
}

void conv_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<IntegerConvolutionParams>();
  addProduct(problem, plan, productOf(p),
             isNear(p) ? ProductEntry{"conv_i8", "conv_i8_dot", kTileDot, kNearRow} : kConvFar);
}

void depthwise_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<DepthwiseBytesParams>();
  bool near = true;  // 32 bits hold every position of a tap, of a second pixel as well
  for (int a = 0; a < 2; a++) {
    const int64_t reach = int64_t{p.dilations[a]} * (p.kernel[a] - 1) + p.strides[a] - p.pads[a];
    near = near && reach + int64_t{p.outSize[a]} * p.strides[a] <= INT32_MAX && reach <= INT32_MAX;
  }
  const int64_t units = int64_t{p.batch} * p.outSize[0] * ceilDiv(p.outSize[1], 2) * ceilDiv(p.channels, 4);
  addUnits(problem, plan, "depthwise_i8", near ? "depthwise_i8_near" : "depthwise_i8_far", units, 256);
}

void pool_average_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  const auto& p = problem.as<BytePoolParams>();
  const int64_t pixels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2],
                units = pixels * ceilDiv(p.channels, 4);
  int64_t taps = 1;
  for (int a = 0; a < 3 && taps < 32; a++) taps *= p.kernel[a] < p.inSize[a] ? p.kernel[a] : p.inSize[a];
  if (taps < 32) {
    addUnits(problem, plan, "pool_average_i8", "pool_average_i8_one", units, 256);
  } else {
    addUnits(problem, plan, "pool_average_i8", "pool_average_i8_eight", units, 32);
  }
}

void sum_i8_sm72(const GpuProblem& problem, LaunchPlan& plan) {
  addUnits(problem, plan, "sum_i8", "sum_i8", problem.as<ByteSumParams>().count, 256 * 16);
}

}  // namespace dsnk
