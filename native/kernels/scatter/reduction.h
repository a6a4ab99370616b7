// The element, index and reduction types of a call of a scatter.
#pragma once
#include <cstring>

#include "kernels/gather/indices.h"
#include "kernels/kernel.h"
#include "kernels/scatter/combine.h"
#include "kernels/scatter/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

inline bool isReduction(int32_t reduction, int32_t type, int32_t elementBytes) {
  constexpr int32_t sizes[] = {4, 8, 1, 1, 2, 2, 4, 4, 8, 8};  // in the order of ScatterType
  static_assert(sizeof(sizes) / sizeof(sizes[0]) == kScatterTypeCount);
  if (reduction < 0 || reduction >= kScatterReductionCount || !isElementSize(elementBytes)) return false;
  if (reduction == static_cast<int32_t>(ScatterReduction::none)) return true;
  return type >= 0 && type < kScatterTypeCount && sizes[type] == elementBytes;
}

// Calls visit(T{}, Reduction{}) for verified parameters.
template <class P, class Visit>
inline void withReduction(const P& p, Visit&& visit) {
  switch (static_cast<ScatterReduction>(p.reduction)) {
    case ScatterReduction::none: return withElementType(p.elementBytes, [&](auto t) { visit(t, Replace{}); });
    case ScatterReduction::add: return withScatterType(p.type, [&](auto t) { visit(t, Add{}); });
    case ScatterReduction::mul: return withScatterType(p.type, [&](auto t) { visit(t, Multiply{}); });
    case ScatterReduction::max: return withScatterType(p.type, [&](auto t) { visit(t, Largest{}); });
    case ScatterReduction::min: return withScatterType(p.type, [&](auto t) { visit(t, Smallest{}); });
  }
}

// The indices of a call, of 4 or 8 bytes each. Told apart at every access: both are one code, and reductions of all types
// have many already.
class ScatterIndices {
 public:
  ScatterIndices(const void* first, int32_t indexBytes) : first_(first), wide_(indexBytes == 8) {}
  int64_t operator[](int64_t i) const {
    return wide_ ? static_cast<const int64_t*>(first_)[i] : static_cast<const int32_t*>(first_)[i];
  }

 private:
  const void* first_;
  bool wide_;
};

// A tile that owns the blocks `range` of y, operand 0: they become those of x, operand 1, and then
// scatter(y, indices, updates, Reduction{}) updates them, each pointer at its first element.
template <class P, class Scatter>
inline Fault scatterInto(const Work& w, const P& p, Range range, int64_t block, Scatter&& scatter) {
  Fault fault = Fault::none;
  withReduction(p, [&](auto t, auto reduction) {
    using T = decltype(t);
    T* y = w.at<T>(0);
    const T* x = w.at<const T>(1);
    if (y != x)
      std::memcpy(y + range.begin * block, x + range.begin * block,
                  static_cast<size_t>((range.end - range.begin) * block) * sizeof(T));
    fault = scatter(y, ScatterIndices(w.at<const std::byte>(2), p.indexBytes), w.at<const T>(3), reduction);
  });
  return fault;
}

}  // namespace dsnk
