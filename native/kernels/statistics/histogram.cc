// Computes  how many elements of x lie in each bin of [-r, r], how many are zero, the least and the largest, and how many
//           are NaN or infinite; one answer per part of x
// Shapes    counts: u32 [parts, bins + 1]; extremes: f32 [parts, 3]; x: f32 [count]; ranges: f32, element `index` is r
// Numerics  bin = trunc(x·(bins/2)/r + bins/2) in float32, clamped; exact zeros count in bin `bins` only, what is not finite
//           in none. r that is not positive and finite puts everything into the middle: the extremes tell the caller
// Tiling    parts, which the program fixed: counts add up the same in any order
// Packing   none
// Source    none
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/statistics/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<HistogramParams>();
  if (p.bins < 1 || p.bins > (1 << 20)) return "bins must be between 1 and 2^20";
  if (p.parts < 1 || p.parts > (1 << 20)) return "parts must be between 1 and 2^20";
  if (p.index < 0) return "index must not be negative";
  // A part's count is 32 bits wide.
  if (!isDim(p.count) || ceilDiv(p.count, p.parts) > (int64_t{1} << 31))
    return "a part must have at most 2^31 elements";
  if (!(Size(p.parts) * (Size(p.bins) + 1) * 4).fits(c.operandBytes[0]))
    return "counts must hold bins + 1 numbers per part";
  if (!(Size(p.parts) * 12).fits(c.operandBytes[1])) return "extremes must hold three numbers per part";
  if (!(Size(p.count) * 4).fits(c.operandBytes[2])) return "input must hold `count`";
  if (!((Size(p.index) + 1) * 4).fits(c.operandBytes[3])) return "ranges must hold element `index`";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const HistogramParams*>(params);
  return tilesFor(p.parts, ceilDiv(p.count, p.parts) + p.bins, threads);
}

extern const Contract histogram_contract{"histogram", "wwrr", 0,     sizeof(HistogramParams),
                                         false,       verify, tiles, nullptr};

static void countPart(const float* x, int64_t n, float range, int32_t bins, uint32_t* counts, float* extremes) {
  std::memset(counts, 0, (static_cast<size_t>(bins) + 1) * sizeof(uint32_t));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float middle = static_cast<float>(bins) * 0.5f, last = static_cast<float>(bins - 1);
  float factor = middle / range;
  // Also a subnormal range: the quotient is infinite, and 0·∞ is no number.
  if (!(range > 0) || !(factor < infinity)) factor = 0;
  float low = infinity, high = -infinity;
  // Zeros are most of what comes out of a ReLU: in a register they do not wait for each other's store.
  uint32_t zeros = 0, bad = 0;
  for (int64_t i = 0; i < n; i++) {
    const float v = x[i];
    if (v == 0) {
      zeros++;
      continue;
    }
    if (!(std::fabs(v) < infinity)) {
      bad++;
      continue;
    }
    low = v < low ? v : low;
    high = v > high ? v : high;
    float t = v * factor + middle;
    t = t > 0 ? t : 0;
    t = t < last ? t : last;
    counts[static_cast<int32_t>(t)]++;
  }
  if (zeros > 0) {
    low = low < 0 ? low : 0;
    high = high > 0 ? high : 0;
  }
  counts[bins] = zeros;
  extremes[0] = low;
  extremes[1] = high;
  extremes[2] = static_cast<float>(bad);
}

Fault histogram_f32_scalar(const Work& w) {
  const auto& p = w.as<HistogramParams>();
  const float range = w.at<const float>(3)[p.index];
  const Range r = tileRange(p.parts, w.tile, w.tiles);
  for (int64_t part = r.begin; part < r.end; part++) {
    const Range piece = tileRange(p.count, static_cast<uint32_t>(part), static_cast<uint32_t>(p.parts));
    countPart(w.at<const float>(2) + piece.begin, piece.end - piece.begin, range, p.bins,
              w.at<uint32_t>(0) + part * (p.bins + 1), w.at<float>(1) + part * 3);
  }
  return Fault::none;
}

}  // namespace dsnk
