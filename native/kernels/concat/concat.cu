// Computes  y[o, :] = x0[o, :] ++ x1[o, :] ++ …, see concat.cc
// Shapes    as there
// Numerics  bit-equal
// Tiling    up to eight inputs a launch, an input for each y of the grid; rows in pieces of up to 16 bytes
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/concat/params.gen.h"

namespace dsnk {

// number[0 … 7]: row bytes of the inputs of this launch, operands 1 and up; number[8]: where the first stands in a row of y.
DSNK_ENTRY(256, 0, concat_rows, ConcatParams) {
  const uint32_t input = blockIdx.y;
  int64_t offset = work.number[8];
  for (uint32_t i = 0; i < input; i++) offset += work.number[i];
  const int64_t bytes = work.number[input];
  std::byte* const y = work.at<std::byte>(0) + offset;
  const std::byte* const x = work.at<std::byte>(input + 1);
  if (bytes == 0) return;
  copyBlocks(
      params.outer, bytes, bitsOf(x, y) | static_cast<uint64_t>(params.stride),
      [&](int64_t row) { return y + row * params.stride; }, [&](int64_t row) { return x + row * bytes; });
}

}  // namespace dsnk
