// Computes  y[i] = start + i·delta
// Shapes    y: count; start, delta: 1
// Numerics  integers wrap around; f32 is computed in f64 and rounded once, f64 is rounded twice
// Tiling    ranges of y
// Packing   none
// Source    none
#include "kernels/fill/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

constexpr int64_t kSizes[] = {4, 8, 2, 4, 8};  // in the order of RangeType
static_assert(sizeof(kSizes) / sizeof(kSizes[0]) == kRangeTypeCount);

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<RangeParams>();
  if (p.type < 0 || p.type >= kRangeTypeCount) return "type must be one of RangeType";
  const Size element(kSizes[p.type]);
  if (!(Size(p.count) * element).fits(c.operandBytes[0])) return "output must hold count";
  if (!c.holds(1, element.value()) || !c.holds(2, element.value())) return "start and delta must be one element each";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  return tilesFor(static_cast<const RangeParams*>(params)->count, 2, threads);
}

// T: the element type; Wide: what it is computed in.
template <class T, class Wide>
void fillRange(const Work& w, Range r) {
  T* y = w.at<T>(0);
  const auto start = static_cast<Wide>(*w.at<const T>(1)), delta = static_cast<Wide>(*w.at<const T>(2));
  for (int64_t i = r.begin; i < r.end; i++) y[i] = static_cast<T>(start + static_cast<Wide>(i) * delta);
}

}  // namespace

extern const Contract range_contract{"range", "wrr", 0, sizeof(RangeParams), false, verify, tiles, nullptr};

Fault range_scalar(const Work& w) {
  const auto& p = w.as<RangeParams>();
  const Range r = tileRange(p.count, w.tile, w.tiles, 16);
  switch (static_cast<RangeType>(p.type)) {
    case RangeType::f32: fillRange<float, double>(w, r); break;
    case RangeType::f64: fillRange<double, double>(w, r); break;
    case RangeType::i16: fillRange<int16_t, uint64_t>(w, r); break;
    case RangeType::i32: fillRange<int32_t, uint64_t>(w, r); break;
    case RangeType::i64: fillRange<int64_t, uint64_t>(w, r); break;
  }
  return Fault::none;
}

}  // namespace dsnk
