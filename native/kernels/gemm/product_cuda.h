// How plans of products choose tiles, for the plans of all types.
#pragma once
#include "kernels/gemm/split.h"
#include "kernels/gpu.h"

namespace dsnk {

// Entry points of one tile shape. `speed` is what part of the largest tile's speed it reaches where all are full.
struct GpuTileShape {
  const char* entry;
  int32_t rows, columns, depth;
  uint32_t threads;
  int32_t resident;  // blocks that a multiprocessor holds
  float speed;
  uint32_t sharedBytes = 0;  // dynamic
};

// A product of matrices or of pixels and filters.
struct GpuProduct {
  int64_t batch, m, n, k;
};

// How long a product takes in tiles of a shape, in products a multiprocessor of that shape makes at full speed: what its
// busiest one does. Fewer blocks than it could hold hide less of each other's waiting.
inline double costOf(const GpuTileShape& s, const GpuCut& c, const GpuTraits& gpu) {
  const auto blocks = static_cast<double>((c.count() + gpu.multiprocessors - 1) / gpu.multiprocessors);
  const double full = blocks < s.resident ? blocks / s.resident : 1;
  // The begin and end of a block cost about as much as 64 k of it.
  const double block = static_cast<double>(s.rows) * s.columns * (static_cast<double>(c.splitDepth) + 64);
  return blocks * block / (s.speed * (0.4 + 0.6 * full)) * (c.splits > 1 ? 1.1 : 1.0);
}

inline const GpuTileShape& chooseTile(const GpuProduct& p, const GpuTileShape* shapes, int count, const GpuTraits& gpu,
                                      GpuCut& cut) {
  int best = 0;
  double least = 0;
  for (int i = 0; i < count; i++) {
    const GpuTileShape& s = shapes[i];
    const GpuCut c = gpuCut(p.batch, p.m, p.n, p.k, s.rows, s.columns, s.depth, gpu.multiprocessors, s.resident);
    const double cost = costOf(s, c, gpu);
    if (i == 0 || cost < least) {
      least = cost;
      best = i;
      cut = c;
    }
  }
  return shapes[best];
}

// Adds the launches of a product: of the tiles, and where k is split of `sum`, which adds up.
inline void addProduct(LaunchPlan& plan, const char* module, const char* sum, const GpuTileShape& shape,
                       const GpuProduct& p, const GpuCut& cut) {
  const auto numbers = [&](Launch& launch, int64_t first) {
    const int64_t list[] = {cut.tilesM, cut.tilesN, cut.batch, cut.splits, cut.splitDepth, first};
    for (int i = 0; i < 6; i++) launch.number[i] = list[i];
  };
  constexpr int64_t most = INT32_MAX;
  const int64_t count = cut.count();
  for (int64_t first = 0; first < count; first += most) {
    Launch tiles(module, shape.entry);
    tiles.grid[0] = static_cast<uint32_t>(count - first < most ? count - first : most);
    tiles.threads = shape.threads;
    tiles.sharedBytes = shape.sharedBytes;
    numbers(tiles, first);
    plan.add(tiles);
  }
  if (cut.splits == 1) return;
  const int64_t outputs = p.batch * p.m * p.n;
  plan.scratch(static_cast<uint64_t>(cut.splits * outputs) * 4);
  Launch add(module, sum);
  const int64_t blocks = (outputs + 255) / 256;
  add.grid[0] = static_cast<uint32_t>(blocks < 4096 ? blocks : 4096);
  numbers(add, 0);
  plan.add(add);
}

}  // namespace dsnk
