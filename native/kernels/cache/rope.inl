// Computes  y[a] = x[a]·cos - x[b]·sin, y[b] = x[a]·sin + x[b]·cos for each pair (a, b) of a head, cos and sin of the
//           token's position; elements behind the turned ones are copied
// Shapes    x, y: [batch, row, head, width] by strides; tables [tableRows, ≥ rotary/2]: lib/kernels/cache.ts
// Numerics  each product and sum rounds once, as the operators that it is made of: bit-equal on every ISA. A position
//           outside of the tables is a fault
// Tiling    ranges of [batch, row]: a row of the tables serves all heads
// Packing   none
// Source    Su et al., RoFormer (2021), §3.2; interleaved pairs are theirs, halves those of GPT-NeoX

static void turnHead(const float* x, float* y, const float* cos, const float* sin, int64_t half, bool interleaved) {
  if (interleaved) {
    for (int64_t i = 0; i < half; i++) {
      const float a = x[2 * i], b = x[2 * i + 1];
      y[2 * i] = a * cos[i] - b * sin[i];
      y[2 * i + 1] = b * cos[i] + a * sin[i];
    }
    return;
  }
  const auto turn = [&](int64_t i, auto load, auto store) __attribute__((always_inline)) {
    const F32 a = load(x + i), b = load(x + half + i), c = load(cos + i), s = load(sin + i);
    store(a * c - b * s, y + i);
    store(b * c + a * s, y + half + i);
  };
  int64_t i = 0;
  for (; i + F32::lanes <= half; i += F32::lanes) {
    turn(
        i, [](const float* p) __attribute__((always_inline)) { return F32::load(p); },
        [](F32 v, float* p) __attribute__((always_inline)) { v.store(p); });
  }
  const int n = static_cast<int>(half - i);
  if (n == 0) return;
  turn(
      i, [n](const float* p) __attribute__((always_inline)) { return F32::loadFirst(p, n); },
      [n](F32 v, float* p) __attribute__((always_inline)) { v.storeFirst(p, n); });
}

static Fault ropeRun(const Work& w) {
  const auto& p = w.as<RopeParams>();
  const auto positions = static_cast<RopePositions>(p.positions);
  const Range range = tileRange(p.batch * p.rows, w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t b = u / p.rows, i = u % p.rows;
    int64_t at = u;
    if (positions == RopePositions::each) at = w.at<const int64_t>(4)[u];
    if (positions == RopePositions::lengths) at = w.at<const int32_t>(4)[b] + i;
    if (at < 0 || at >= p.tableRows) return Fault::indexOutOfRange;
    const float *cos = w.at<const float>(2) + at * p.tableWidth, *sin = w.at<const float>(3) + at * p.tableWidth;
    for (int64_t h = 0; h < p.heads; h++) {
      const float* x = w.at<const float>(1) + b * p.strideX[0] + i * p.strideX[1] + h * p.strideX[2];
      float* y = w.at<float>(0) + b * p.strideY[0] + i * p.strideY[1] + h * p.strideY[2];
      turnHead(x, y, cos, sin, p.rotary / 2, p.interleaved != 0);
      std::memcpy(y + p.rotary, x + p.rotary, static_cast<size_t>(p.width - p.rotary) * 4);
    }
  }
  return Fault::none;
}
