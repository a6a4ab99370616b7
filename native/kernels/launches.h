// Plans of rows for a GPU that are one launch over a range of items.
#pragma once
#include "kernels/gpu.h"

namespace dsnk {

// Blocks of 256 threads that take `perBlock` items at a time, at most as many as keep every multiprocessor busy: entries
// pass over their range with the whole grid. 0 for no items.
uint32_t blocksOver(const GpuProblem& problem, int64_t items, int64_t perBlock);

// One launch of them.
void launchOver(const GpuProblem& problem, LaunchPlan& plan, const char* module, const char* entry, int64_t items,
                int64_t perBlock, uint32_t sharedBytes = 0, int64_t number0 = 0, int64_t number1 = 0);

// Whether a row should go to a block of 256 threads rather than to a warp (reduce/fold.cuh): it is long, or rows are too
// few for one warp each to keep the GPU busy.
inline bool isLongRow(const GpuProblem& problem, int64_t rows, int64_t n) {
  return n > 4096 || (n > 2048 && rows < 16 * int64_t{problem.gpu->multiprocessors});
}
// Whether a column should go to eight threads rather than to one.
inline bool isHigh(const GpuProblem& problem, int64_t columns, int64_t rows) {
  return rows > 32 && columns < 1024 * int64_t{problem.gpu->multiprocessors};
}

}  // namespace dsnk
