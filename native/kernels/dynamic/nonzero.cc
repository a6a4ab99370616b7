// Computes  y[d,i] = coordinate along d of the i-th element of x that is not zero, in row-major order; count = how many
// Shapes    y: i64 [rank, count] at the beginning of rank · elements; count: i64 [1]; x: [dims]
// Numerics  bit-equal; -0 is zero and NaN is not
// Tiling    one: every position depends on how many came before
// Packing   none
// Source    the ONNX operator definition
#include <cstring>

#include "kernels/dynamic/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static Size elementsOf(const NonZeroParams& p) {
  Size n = 1;
  for (int32_t d = 0; d < p.rank; d++) n = n * Size(p.dims[d]);
  return n;
}

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<NonZeroParams>();
  if (p.rank < 0 || p.rank > 8) return "rank must be in [0, 8]";
  if (p.elementBytes != 1 && p.elementBytes != 2 && p.elementBytes != 4 && p.elementBytes != 8) {
    return "elementBytes must be 1, 2, 4 or 8";
  }
  if (p.floating != 0 && p.floating != 1) return "floating must be 0 or 1";
  const Size elements = elementsOf(p);
  if (!(elements * Size(p.rank) * 8).fits(c.operandBytes[0])) return "output must hold the coordinates of all elements";
  if (!c.holds(1, 8)) return "count must hold one number";
  if (!(elements * Size(p.elementBytes)).fits(c.operandBytes[2])) return "input must hold its shape";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

extern const Contract nonzero_contract{"nonzero", "wwr", 0, sizeof(NonZeroParams), false, verify, tiles, nullptr};

template <class T>
static void nonZero(const Work& w) {
  const auto& p = w.as<NonZeroParams>();
  const auto n = static_cast<int64_t>(elementsOf(p).value());
  const T* const x = w.at<const T>(2);
  const T mask = static_cast<T>(p.floating ? static_cast<T>(~T{0}) >> 1 : static_cast<T>(~T{0}));
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) count += (x[i] & mask) != 0;
  *w.at<int64_t>(1) = count;

  int64_t* const y = w.at<int64_t>(0);
  int64_t at[8] = {};  // coordinates of element i
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++) {
    if ((x[i] & mask) != 0) {
      for (int32_t d = 0; d < p.rank; d++) y[d * count + k] = at[d];
      k++;
    }
    for (int32_t d = p.rank - 1; d >= 0 && ++at[d] == p.dims[d]; d--) at[d] = 0;
  }
  std::memset(y + p.rank * count, 0, static_cast<size_t>((n - count) * p.rank) * 8);
}

Fault nonzero_scalar(const Work& w) {
  switch (w.as<NonZeroParams>().elementBytes) {
    case 1: nonZero<uint8_t>(w); break;
    case 2: nonZero<uint16_t>(w); break;
    case 4: nonZero<uint32_t>(w); break;
    default: nonZero<uint64_t>(w);
  }
  return Fault::none;
}

}  // namespace dsnk
