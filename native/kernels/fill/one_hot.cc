// Computes  y[o, d, i] = values[1] where index[o, i] names d, else values[0]; an index names d or d - depth
// Shapes    y: outer x depth x inner; index: outer x inner, any number type; values: 2
// Numerics  bit-equal; float indices are truncated; an index outside [-depth, depth) names nothing
// Tiling    ranges of (o, d)
// Packing   none
// Source    none
#include "kernels/fill/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

namespace dsnk {

namespace {

constexpr int64_t kSizes[] = {4, 8, 1, 1, 2, 2, 4, 4, 8, 8};  // in the order of OneHotType
static_assert(sizeof(kSizes) / sizeof(kSizes[0]) == kOneHotTypeCount);

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<OneHotParams>();
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (p.type < 0 || p.type >= kOneHotTypeCount) return "type must be one of OneHotType";
  const int64_t dims[] = {p.outer, p.depth, p.inner}, indexDims[] = {p.outer, p.inner};
  if (!denseFits(dims, 3, p.elementBytes, c.operandBytes[0])) return "output must hold the dimensions";
  if (!denseFits(indexDims, 2, kSizes[p.type], c.operandBytes[1])) return "indices must hold outer x inner";
  if (!(Size(2) * Size(p.elementBytes)).fits(c.operandBytes[2])) return "values must be two elements";
  return nullptr;
}

int64_t rowsOf(const OneHotParams& p) {
  const int64_t dims[] = {p.outer, p.depth, p.inner};
  return product(dims, 3) == 0 ? 0 : p.outer * p.depth;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const OneHotParams*>(params);
  return tilesFor(rowsOf(p), p.inner * p.elementBytes, threads, 32 * 1024);
}

template <class T, class I>
void fillRows(const OneHotParams& p, Range rows, T* y, const I* index, const T* values) {
  const T off = values[0], on = values[1];
  const auto depth = static_cast<double>(p.depth);
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const int64_t o = row / p.depth, d = row % p.depth;
    for (int64_t i = 0; i < p.inner; i++) {
      const I named = index[o * p.inner + i];
      bool hit = false;
      // Compared as double first: a float index may be far outside every integer type, or NaN.
      if (static_cast<double>(named) > -depth - 1 && static_cast<double>(named) < depth) {
        const auto at = static_cast<int64_t>(named);
        hit = (at < 0 ? at + p.depth : at) == d;
      }
      y[row * p.inner + i] = hit ? on : off;
    }
  }
}

}  // namespace

extern const Contract one_hot_contract{"one_hot", "wrr", 0, sizeof(OneHotParams), false, verify, tiles, nullptr};

Fault one_hot_scalar(const Work& w) {
  const auto& p = w.as<OneHotParams>();
  const Range rows = tileRange(rowsOf(p), w.tile, w.tiles);
  withElementType(p.elementBytes, [&](auto t) {
    using T = decltype(t);
    const auto fill = [&](auto index) {
      using I = decltype(index);
      fillRows<T, I>(p, rows, w.at<T>(0), w.at<const I>(1), w.at<const T>(2));
    };
    switch (static_cast<OneHotType>(p.type)) {
      case OneHotType::f32: return fill(float{});
      case OneHotType::f64: return fill(double{});
      case OneHotType::i8: return fill(int8_t{});
      case OneHotType::u8: return fill(uint8_t{});
      case OneHotType::i16: return fill(int16_t{});
      case OneHotType::u16: return fill(uint16_t{});
      case OneHotType::i32: return fill(int32_t{});
      case OneHotType::u32: return fill(uint32_t{});
      case OneHotType::i64: return fill(int64_t{});
      case OneHotType::u64: return fill(uint64_t{});
    }
  });
  return Fault::none;
}

}  // namespace dsnk
