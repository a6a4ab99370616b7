// Computes  gemm_pack_b, see pack_b.cc: weights that are computed are packed where they are
// Shapes    as there
// Numerics  bit-equal: moves 32-bit words
// Tiling    a thread a word of the panels, neighbours side by side; transposed, a line of b serves 32 rows of k
// Packing   this is it
// Source    none
#include "cuda/elements.cuh"
#include "kernels/gemm/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, pack_b_words, GemmPackBParams) {
  const int64_t panels = ceil_div(params.n, int64_t{params.nr}), words = params.count * panels * params.k * params.nr;
  const uint32_t* const b = work.at<const uint32_t>(1);
  for (int64_t i = firstIndex(); i < words; i += indexStep()) {
    const Quotient row = divide(i, params.nr), panel = divide(row.whole, params.k),
                   matrix = divide(panel.whole, panels);
    const int64_t column = matrix.rest * params.nr + row.rest, k = panel.rest;
    work.at<uint32_t>(0)[i] = column >= params.n
                                  ? 0
                                  : b[matrix.whole * params.stride +
                                      (params.transB != 0 ? column * params.ldb + k : k * params.ldb + column)];
  }
}

}  // namespace dsnk
