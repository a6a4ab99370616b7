// Computes  y[i0, i1, …] = x[i0 - before0, i1 - before1, …]; outside of x a value, or the element that the mode names:
//           reflect mirrors at the first and last element, edge takes the nearest one, wrap repeats the tensor
// Shapes    y: before + dims + after along every dimension, dense; x: the view (offset, dims, strides); value: 1
//           element
// Numerics  bit-equal
// Tiling    ranges of innermost rows of y
// Packing   none
// Source    none
#include <cstring>
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/pad/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

namespace {

constexpr int32_t kRank = 8;

const char* verify(const Kernel&, const Check& c) {
  constexpr int64_t kMost = int64_t{1} << 60;
  const auto& p = c.as<PadParams>();
  if (p.rank < 1 || p.rank > kRank) return "rank must be 1 to 8";
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (p.mode < 0 || p.mode >= kPadModeCount) return "mode must be one of PadMode";
  if (p.offset < 0) return "offset must not be negative";
  const bool constant = p.mode == static_cast<int32_t>(PadMode::constant);
  int64_t padded[kRank];
  for (int32_t d = 0; d < p.rank; d++) {
    for (const int64_t n : {p.dims[d], p.before[d], p.after[d]})
      if (n < 0 || n > kMost) return "dimensions and pads must not be negative";
    padded[d] = p.before[d] + p.dims[d] + p.after[d];
    if (!constant && p.dims[d] == 0 && padded[d] > 0) return "an empty dimension has no elements to repeat";
  }
  if (!denseFits(padded, p.rank, p.elementBytes, c.operandBytes[0])) return "output must hold the padded dimensions";
  if (!viewFits(p.dims, p.strides, p.rank, p.offset, p.elementBytes, c.operandBytes[1]))
    return "input must hold every element of the view";
  if (p.hasValue != 0 && !c.holds(2, static_cast<uint64_t>(p.elementBytes))) return "the value must be one element";
  return nullptr;
}

int64_t sizeOf(const PadParams& p, int32_t d) { return p.before[d] + p.dims[d] + p.after[d]; }

// Rows of y; 0 when y is empty.
int64_t rowsOf(const PadParams& p) {
  int64_t padded[kRank];
  for (int32_t d = 0; d < p.rank; d++) padded[d] = sizeOf(p, d);
  return product(padded, p.rank) == 0 ? 0 : product(padded, p.rank - 1);
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const PadParams*>(params);
  const int64_t rows = rowsOf(p);
  return rows == 0 ? 0 : tilesFor(rows, sizeOf(p, p.rank - 1) * p.elementBytes, threads, 64 * 1024);
}

int64_t modulo(int64_t i, int64_t n) {
  const int64_t r = i % n;
  return r < 0 ? r + n : r;
}

// The position in [0, n) that stands for i; -1 where the constant does.
int64_t sourceOf(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
    case PadMode::constant: return -1;
    case PadMode::edge: return i < 0 ? 0 : n - 1;
    case PadMode::wrap: return modulo(i, n);
    case PadMode::reflect: break;
  }
  if (n == 1) return 0;
  const int64_t at = modulo(i, 2 * (n - 1));
  return at < n ? at : 2 * (n - 1) - at;
}

template <class T>
void padRows(const PadParams& p, Range rows, T* y, const T* x, T value) {
  const int32_t last = p.rank - 1;
  const auto mode = static_cast<PadMode>(p.mode);
  const int64_t n = p.dims[last], before = p.before[last], size = sizeOf(p, last), stride = p.strides[last];
  const bool empty = product(p.dims, p.rank) == 0;  // then strides have not been checked
  for (int64_t row = rows.begin; row < rows.end; row++) {
    int64_t rest = row, at = 0;
    bool outside = empty;
    for (int32_t d = last - 1; d >= 0 && !outside; d--) {
      const int64_t i = sourceOf(rest % sizeOf(p, d) - p.before[d], p.dims[d], mode);
      rest /= sizeOf(p, d);
      if (i < 0)
        outside = true;
      else
        at += i * p.strides[d];
    }
    T* to = y + row * size;
    if (outside) {  // only the constant reaches here: other modes have no empty dimension
      for (int64_t j = 0; j < size; j++) to[j] = value;
      continue;
    }
    const T* from = x + at;
    if (mode == PadMode::constant) {
      for (int64_t j = 0; j < before; j++) to[j] = value;
      for (int64_t j = before + n; j < size; j++) to[j] = value;
    } else {
      for (int64_t j = 0; j < before; j++) to[j] = from[sourceOf(j - before, n, mode) * stride];
      for (int64_t j = before + n; j < size; j++) to[j] = from[sourceOf(j - before, n, mode) * stride];
    }
    if (stride == 1)
      std::memcpy(to + before, from, static_cast<size_t>(n) * sizeof(T));
    else
      for (int64_t j = 0; j < n; j++) to[before + j] = from[j * stride];
  }
}

}  // namespace

extern const Contract pad_contract{"pad", "wro", 0, sizeof(PadParams), false, verify, tiles, nullptr};

Fault pad_scalar(const Work& w) {
  const auto& p = w.as<PadParams>();
  const Range rows = tileRange(rowsOf(p), w.tile, w.tiles);
  withElementType(p.elementBytes, [&](auto t) {
    using T = decltype(t);
    T value{};
    if (p.hasValue != 0) value = *w.at<const T>(2);
    padRows<T>(p, rows, w.at<T>(0), w.at<const T>(1) + p.offset, value);
  });
  return Fault::none;
}

}  // namespace dsnk
