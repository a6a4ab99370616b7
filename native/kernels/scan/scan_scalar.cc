// Computes  running sums and products for the element types without vector rows
// Shapes    y, x: [outer, n, inner], along n
// Numerics  integers wrap; float64 plainly; float16 and bfloat16 in double, each output rounded once
// Tiling    whole columns of the axis
// Packing   none
// Source    none
#include <type_traits>

#include "kernels/axis.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/scan/params.gen.h"
#include "kernels/scan/strip.h"

namespace dsnk {
namespace {

template <class T>
Fault scanGeneric(const Work& w) {
  using E = Element<T>;
  using Wide = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;  // unsigned: overflow is defined
  const auto& p = w.as<ScanParams>();
  const bool sum = static_cast<ScanKind>(p.kind) == ScanKind::sum;
  AxisTiles(p.outer, p.n, p.inner, kScanStrip).each(w.tile, w.tiles, [&](int64_t o, int64_t first, int width) {
    for (int64_t c = first; c < first + width; c++) {
      Wide total = sum ? 0 : 1;
      for (int64_t i = 0; i < p.n; i++) {
        const int64_t at = (o * p.n + (p.reverse ? p.n - 1 - i : i)) * p.inner + c;
        const auto e = static_cast<Wide>(E::load(w.at<T>(1)[at]));
        const Wide next = sum ? total + e : total * e;
        w.at<T>(0)[at] = E::store(static_cast<typename E::Wide>(p.exclusive ? total : next));
        total = next;
      }
    }
  });
  return Fault::none;
}

}  // namespace

Fault scan_f64_scalar(const Work& w) { return scanGeneric<double>(w); }
Fault scan_f16_scalar(const Work& w) { return scanGeneric<F16>(w); }
Fault scan_bf16_scalar(const Work& w) { return scanGeneric<BF16>(w); }
Fault scan_i32_scalar(const Work& w) { return scanGeneric<int32_t>(w); }
Fault scan_i64_scalar(const Work& w) { return scanGeneric<int64_t>(w); }
Fault scan_u32_scalar(const Work& w) { return scanGeneric<uint32_t>(w); }
Fault scan_u64_scalar(const Work& w) { return scanGeneric<uint64_t>(w); }

}  // namespace dsnk
