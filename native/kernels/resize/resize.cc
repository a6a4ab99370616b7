#include "kernels/kernel.h"
#include "kernels/resize/params.gen.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"

namespace dsnk {

static int64_t elementBytes(const char* dtypes) {
  if (dtypes[0] == 'u' || dtypes[0] == 'i') return dtypes[1] == '8' ? 1 : dtypes[1] == '1' ? 2 : 4;
  return dtypes[1] == '6' ? 8 : dtypes[1] == '1' ? 2 : 4;
}

// Types that a float cannot hold take their weights as float64.
static int64_t weightBytes(const char* dtypes) {
  return dtypes[1] == '6' || (dtypes[1] == '3' && dtypes[0] != 'f') ? 8 : 4;
}

static const char* axis(const Check& c, uint32_t start, int64_t in, int64_t out, int64_t taps, int64_t weight) {
  if (taps == 0) {
    if (c.has(start) || c.has(start + 1)) return "an axis without taps must have no tables";
    return in == out ? nullptr : "an axis without tables must keep its length";
  }
  if (taps < 0 || taps > in) return "taps must be in [0, input length]";
  if (!(Size(out) * 4).fits(c.holds(start, 1) ? c.operandBytes[start] : 0))
    return "start must hold one number per output";
  if (!(Size(out) * Size(taps) * Size(weight)).fits(c.holds(start + 1, 1) ? c.operandBytes[start + 1] : 0)) {
    return "weight must hold [taps, out]";
  }
  return nullptr;
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ResizeParams>();
  if (p.inH < 1 || p.inW < 1 || p.inH > INT32_MAX || p.inW > INT32_MAX) return "input lengths must be in [1, 2^31)";
  if (p.extrapolate != 0 && p.extrapolate != 1) return "extrapolate must be 0 or 1";
  const Size element = elementBytes(k.dtypes);
  const Size inner = Size(p.inner) * element, outer = p.outer;
  if (!(outer * Size(p.outH) * Size(p.outW) * inner).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(outer * Size(p.inH) * Size(p.inW) * inner).fits(c.operandBytes[1])) return "input must hold its shape";
  // Lengths alone stay sound even where another one is zero.
  if ((outer * Size(p.outH)).bad() || (Size(p.inH) * Size(p.inW) * inner).bad() || (Size(p.outW) * inner).bad()) {
    return "shape must have a sound size";
  }
  if (p.outer == 0 || p.outH == 0 || p.outW == 0 || p.inner == 0) return nullptr;
  const int64_t weight = weightBytes(k.dtypes);
  if (const char* why = axis(c, 2, p.inH, p.outH, p.tapsH, weight)) return why;
  return axis(c, 4, p.inW, p.outW, p.tapsW, weight);
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ResizeParams*>(params);
  if (p.outW == 0 || p.inner == 0) return 0;
  const int64_t rowCost = (p.inW + p.outW) * p.inner;
  return tilesFor(p.outer * p.outH, rowCost > INT64_MAX / 64 ? INT64_MAX / 64 : rowCost, threads, 32 * 1024);
}

static uint64_t scratchBytes(const Kernel& k, const void* params) {
  const auto& p = *static_cast<const ResizeParams*>(params);
  if (k.dtypes[0] != 'f' || k.dtypes[1] != '3' || p.tapsH == 0 || p.tapsW == 0) return 0;
  return static_cast<uint64_t>(p.inW) * static_cast<uint64_t>(resizeChunk(p)) * sizeof(float);
}

extern const Contract resize_contract{"resize", "wroooo", 0, sizeof(ResizeParams), false, verify, tiles, scratchBytes};

}  // namespace dsnk
