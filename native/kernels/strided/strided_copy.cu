// Computes  y[i0, i1, …] = x[offset + i0·s0 + i1·s1 + …], see strided_copy.cc
// Shapes    as there
// Numerics  bit-equal
// Tiling    where another dimension than the innermost is contiguous in x and both are 8 or longer, squares of 32x32
//           elements turn in shared memory, so that both sides are touched in whole rows of a warp (the 33rd column keeps
//           columns in different banks). Else a thread takes an element of y, or as many as make 16 bytes where the
//           innermost rows lie so. Thin planes (3 colours) are elements too: a warp then reads 3 runs.
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/strided/params.gen.h"

namespace dsnk {

// number[0]: elements that one thread moves as a whole.
template <class T>
__device__ __forceinline__ void copyElements(const GpuWork& work, const StridedCopyParams& params, int64_t each) {
  const int32_t last = params.rank - 1;
  const int64_t row = params.dims[last] / each;
  int64_t count = row;
  for (int32_t d = 0; d < last; d++) count *= params.dims[d];
  T* y = work.at<T>(0);
  const std::byte* x = work.at<std::byte>(1) + params.offset * params.elementBytes;
  const int64_t step = params.strides[last] * each;
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    Quotient at = divide(i, row);
    int64_t from = at.rest * step;
    for (int32_t d = last - 1; d >= 0 && at.whole > 0; d--) {
      at = divide(at.whole, params.dims[d]);
      from += at.rest * params.strides[d];
    }
    y[i] = *reinterpret_cast<const T*>(x + from * params.elementBytes);
  }
}

DSNK_ENTRY(256, 0, strided_elements, StridedCopyParams) {
  int64_t each = work.number[0];
  const int64_t bytes = each * params.elementBytes;
  // what the plan cannot know is where the operands lie
  const uint64_t places = reinterpret_cast<uint64_t>(work.at<std::byte>(0)) |
                          (reinterpret_cast<uint64_t>(work.at<std::byte>(1)) +
                           static_cast<uint64_t>(params.offset) * static_cast<uint64_t>(params.elementBytes));
  if (each > 1 && (places & static_cast<uint64_t>(bytes - 1)) != 0) each = 1;
  if (each > 1 && bytes == 16) return copyElements<u32x4>(work, params, each);
  withElementType(static_cast<int32_t>(each * params.elementBytes),
                  [&](auto t) { copyElements<decltype(t)>(work, params, each); });
}

// number[0]: the dimension that is contiguous in x.
template <class T>
__device__ __forceinline__ void turnPlanes(const GpuWork& work, const StridedCopyParams& params, T (*square)[33]) {
  const int32_t last = params.rank - 1, turned = static_cast<int32_t>(work.number[0]);
  const int64_t n = params.dims[last], m = params.dims[turned], xs = params.strides[last];
  const int64_t pieces = (n + 31) / 32, blocks = (m + 31) / 32;
  int64_t ys = 1, squares = pieces * blocks;
  for (int32_t d = 0; d < last; d++)
    if (d != turned) squares *= params.dims[d];
  for (int32_t d = turned + 1; d <= last; d++) ys *= params.dims[d];
  const int32_t column = static_cast<int32_t>(threadIdx.x % 32), row = static_cast<int32_t>(threadIdx.x / 32);
  for (int64_t s = blockIdx.x; s < squares; s += gridDim.x) {
    const Quotient piece = divide(s, pieces), block = divide(piece.whole, blocks);
    const int64_t j = piece.rest * 32, i = block.rest * 32;
    int64_t rest = block.whole, from = params.offset + i + j * xs, to = i * ys + j, dense = n;
    for (int32_t d = last - 1; d >= 0; d--) {
      if (d != turned) {
        const Quotient at = divide(rest, params.dims[d]);
        rest = at.whole;
        from += at.rest * params.strides[d];
        to += at.rest * dense;
      }
      dense *= params.dims[d];
    }
    const T* x = work.at<T>(1) + from;
    T* y = work.at<T>(0) + to;
    DSNK_UNROLLED
    for (int32_t r = 0; r < 32; r += 8)
      if (i + column < m && j + row + r < n) square[row + r][column] = x[column + (row + r) * xs];
    sync_block();
    DSNK_UNROLLED
    for (int32_t r = 0; r < 32; r += 8)
      if (j + column < n && i + row + r < m) y[(row + r) * ys + column] = square[column][row + r];
    sync_block();
  }
}

DSNK_ENTRY(256, 0, strided_planes, StridedCopyParams) {
  __shared__ u32x4 squares[32 * 33];
  u32x4* const memory = squares;
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    turnPlanes<T>(work, params, reinterpret_cast<T(*)[33]>(memory));
  });
}

}  // namespace dsnk
