// What kernels over strided views share: proving that a view stays inside its memory, and walking it.
#pragma once
#include <cstdint>

#include "kernels/element_size.h"
#include "kernels/sizes.h"

namespace dsnk {

inline bool isElementSize(int32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16; }

// True when no dimension is negative and the elements of a dense tensor of these dimensions fit into `bytes`.
inline bool denseFits(const int64_t* dims, int32_t rank, Size elementBytes, uint64_t bytes) {
  Size count = elementBytes;
  bool empty = false;
  for (int32_t d = 0; d < rank; d++) {
    if (dims[d] < 0) return false;
    if (dims[d] == 0) empty = true;
    if (!empty) count = count * Size(dims[d]);
  }
  return empty || count.fits(bytes);
}

// True when every element that the view names lies in [0, bytes). Dimensions must have passed denseFits.
inline bool viewFits(const int64_t* dims, const int64_t* strides, int32_t rank, int64_t offset, Size elementBytes,
                     uint64_t bytes) {
  constexpr int64_t kMost = int64_t{1} << 61;
  Size highest(offset), below(0);
  for (int32_t d = 0; d < rank; d++) {
    if (dims[d] == 0) return (Size(offset) * elementBytes).fits(bytes);  // nothing is read, but the address is formed
    if (strides[d] < -kMost || strides[d] > kMost) return false;
    const Size reach = Size(dims[d] - 1) * Size(strides[d] < 0 ? -strides[d] : strides[d]);
    if (strides[d] < 0)
      below = below + reach;
    else
      highest = highest + reach;
  }
  return !highest.bad() && below.fits(static_cast<uint64_t>(offset)) &&
         ((highest + Size(1)) * elementBytes).fits(bytes);
}

// 0 where a dimension is, whatever the others are: only then may their product not fit.
inline int64_t product(const int64_t* dims, int32_t rank) {
  for (int32_t d = 0; d < rank; d++)
    if (dims[d] == 0) return 0;
  int64_t p = 1;
  for (int32_t d = 0; d < rank; d++) p *= dims[d];
  return p;
}

// Counts through dimensions in row-major order and follows the position of one strided view along.
template <int kRank>
struct StridedWalk {
  const int64_t* dims;
  const int64_t* strides;
  int32_t rank;
  int64_t index[kRank];
  int64_t at;  // elements from the view's first

  StridedWalk(const int64_t* d, const int64_t* s, int32_t r, int64_t start) : dims(d), strides(s), rank(r), at(0) {
    for (int32_t i = rank - 1; i >= 0; i--) {
      index[i] = start % dims[i];
      start /= dims[i];
      at += index[i] * strides[i];
    }
  }
  void next() {
    for (int32_t i = rank - 1; i >= 0; i--) {
      at += strides[i];
      if (++index[i] < dims[i]) return;
      at -= index[i] * strides[i];
      index[i] = 0;
    }
  }
};

}  // namespace dsnk
