// Computes  y[a] = x[a]·cos - x[b]·sin, y[b] = x[a]·sin + x[b]·cos for each pair (a, b) of a head: rope.inl
// Shapes    as there
// Numerics  as there, bit-equal
// Tiling    a thread for each pair and for each element behind them; it reads both before it writes, so y may be x
// Packing   none
// Source    Su et al., RoFormer (2021), §3.2
#include "cuda/elements.cuh"
#include "kernels/cache/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, rope_f32, RopeParams) {
  const auto positions = static_cast<RopePositions>(params.positions);
  const int64_t half = params.rotary / 2, each = params.width - half;
  const int64_t count = params.batch * params.rows * params.heads * each;
  for (int64_t n = firstIndex(); n < count; n += indexStep()) {
    const Quotient head = divide(n, each), row = divide(head.whole, params.heads), of = divide(row.whole, params.rows);
    const int64_t e = head.rest, h = row.rest, u = row.whole, i = of.rest, b = of.whole;
    int64_t at = u;
    if (positions == RopePositions::each) at = work.at<const int64_t>(4)[u];
    if (positions == RopePositions::lengths) at = work.at<const int32_t>(4)[b] + i;
    if (at < 0 || at >= params.tableRows) {
      fault(work, Fault::indexOutOfRange);
      continue;
    }
    const float* x = work.at<const float>(1) + b * params.strideX[0] + i * params.strideX[1] + h * params.strideX[2];
    float* y = work.at<float>(0) + b * params.strideY[0] + i * params.strideY[1] + h * params.strideY[2];
    if (e >= half) {
      y[half + e] = x[half + e];
      continue;
    }
    const float c = work.at<const float>(2)[at * params.tableWidth + e];
    const float s = work.at<const float>(3)[at * params.tableWidth + e];
    const int64_t first = params.interleaved != 0 ? 2 * e : e, second = params.interleaved != 0 ? 2 * e + 1 : half + e;
    const float p = x[first], q = x[second];
    y[first] = p * c - q * s;
    y[second] = q * c + p * s;
  }
}

}  // namespace dsnk
