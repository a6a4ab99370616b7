// A reduction's dimensions, sorted into the loops that the kernels run:
//   for each kept index (one output, or a row of `m` outputs where the innermost dimension is kept)
//     for each combination of the outer reduced dimensions
//       `n` contiguous elements (innermost reduced)   or   `m` contiguous columns (innermost kept)
#pragma once
#include <cstdint>

#include "kernels/reduce/params.gen.h"

namespace dsnk {

// Nested loops over some dimensions: a linear position and the element offset that belongs to it.
struct Loops {
  int rank = 0;
  int64_t size[8], stride[8];
  int64_t count = 1;

  void add(int64_t n, int64_t s) {
    size[rank] = n;
    stride[rank] = s;
    rank++;
    count *= n;
  }
};

class ReducedWalk {
 public:
  ReducedWalk(const Loops& loops, int64_t start) : loops_(loops), offset_(0) {
    for (int d = loops.rank - 1; d >= 0; d--) {
      const int64_t n = loops.size[d] > 0 ? loops.size[d] : 1;  // an empty loop has a beginning all the same
      index_[d] = start % n;
      start /= n;
      offset_ += index_[d] * loops.stride[d];
    }
  }
  int64_t offset() const { return offset_; }
  void next() {
    for (int d = loops_.rank - 1; d >= 0; d--) {
      offset_ += loops_.stride[d];
      if (++index_[d] < loops_.size[d]) return;
      offset_ -= loops_.stride[d] * loops_.size[d];
      index_[d] = 0;
    }
  }

 private:
  const Loops& loops_;
  int64_t index_[8];
  int64_t offset_;
};

struct ReduceShape {
  Loops kept;     // without the innermost dimension if that is kept
  Loops reduced;  // without the innermost dimension if that is reduced
  int64_t n = 1;  // innermost reduced elements
  int64_t m = 1;  // innermost kept elements
  bool columns = false;
  int64_t count() const { return reduced.count * n; }

  explicit ReduceShape(const ReduceParams& p) {
    int64_t stride = 1;
    int64_t strides[8];
    for (int d = p.rank - 1; d >= 0; d--) {
      strides[d] = stride;
      stride *= p.dims[d];
    }
    for (int d = 0; d < p.rank; d++) {
      const bool isReduced = (p.reduced >> d) & 1;
      if (d == p.rank - 1) {
        columns = !isReduced;
        (isReduced ? n : m) = p.dims[d];
      } else {
        (isReduced ? reduced : kept).add(p.dims[d], strides[d]);
      }
    }
    if (n == 0) reduced.count = 0;  // nothing to walk over, however often
  }
};

// Columns that one tile's innermost loop takes together; also the virtual lanes of a row (see fold.inl).
constexpr int kReduceWide = 64;

}  // namespace dsnk
