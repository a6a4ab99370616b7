#include "kernels/launches.h"
#include "kernels/strided/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

// Elements that one thread can move as a whole, as far as sizes and strides tell: innermost rows that are contiguous, of 16
// bytes or a part of them that divides every step between rows.
static int64_t elementsAtOnce(const StridedCopyParams& p) {
  const int32_t last = p.rank - 1;
  if (p.strides[last] != 1) return 1;
  int64_t each = 16 / p.elementBytes;
  for (int32_t d = 0; d < last; d++)
    while (each > 1 && p.strides[d] % each != 0) each /= 2;
  while (each > 1 && p.dims[last] % each != 0) each /= 2;
  return each;
}

void strided_copy_sm72(const GpuProblem& p, LaunchPlan& plan) {
  const auto& q = p.as<StridedCopyParams>();
  const int32_t last = q.rank - 1;
  const int64_t count = product(q.dims, q.rank);
  if (q.strides[last] != 1 && q.strides[last] != 0 && q.dims[last] >= 8) {
    for (int32_t d = 0; d < last; d++) {
      if (q.strides[d] != 1 || q.dims[d] < 8) continue;
      // squares at the edges are whole for the grid
      const int64_t rows = count / q.dims[last] / (count > 0 ? q.dims[d] : 1);
      const int64_t squares = rows * ceilDiv(q.dims[last], 32) * ceilDiv(q.dims[d], 32);
      return launchOver(p, plan, "strided_copy", "strided_planes", squares, 1, 0, d);
    }
  }
  const int64_t each = elementsAtOnce(q);
  launchOver(p, plan, "strided_copy", "strided_elements", count / each, 256, 0, each);
}

}  // namespace dsnk
