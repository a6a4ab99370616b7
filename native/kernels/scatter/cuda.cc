#include "kernels/launches.h"
#include "kernels/scatter/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

void scatter_elements_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<ScatterElementsParams>();
  const int64_t bytes = product(q.dims, q.rank) * q.elementBytes;
  launchOver(p, plan, "scatter", "scatter_copy", bytes, 4096, 0, bytes);
  const int64_t updates = product(q.indexDims, q.rank);
  if (updates > 0) launchOver(p, plan, "scatter", "scatter_lines", updates / q.indexDims[q.axis], 256);
}

void scatter_nd_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<ScatterNdParams>();
  const int64_t blocks = product(q.dims, q.depth), bytes = blocks * q.block * q.elementBytes;
  launchOver(p, plan, "scatter", "scatter_copy", bytes, 4096, 0, bytes);
  if (q.count == 0) return;
  if (q.reduction == static_cast<int32_t>(ScatterReduction::none) && q.count <= INT32_MAX) {
    plan.scratch(static_cast<uint64_t>(blocks) * 4);
    launchOver(p, plan, "scatter", "scatter_clear", blocks, 256, 0, blocks);
    launchOver(p, plan, "scatter", "scatter_order", q.count, 256);
    return launchOver(p, plan, "scatter", "scatter_last", q.count * q.block * q.elementBytes, 1024);
  }
  // as many threads as keep the GPU busy, while each reads all indices
  int64_t groups = 512 * int64_t{p.gpu->multiprocessors} / q.block;
  groups = groups < 1 ? 1 : groups > blocks ? (blocks > 0 ? blocks : 1) : groups;
  launchOver(p, plan, "scatter", "scatter_combine", groups * q.block, 256, 0, groups);
}

void tensor_scatter_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<TensorScatterParams>();
  const int64_t bytes = q.outer * q.axis * q.blockBytes;
  launchOver(p, plan, "scatter", "scatter_copy", bytes, 4096, 0, bytes);
  launchOver(p, plan, "scatter", "scatter_tensor", q.outer * q.count * q.blockBytes, 1024);
}

void spread_rows_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<SpreadRowsParams>();
  launchOver(p, plan, "scatter", "scatter_spread", q.outer * q.capacity * q.rowBytes, 4096);
}

}  // namespace dsnk
