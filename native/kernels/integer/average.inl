// Computes  y[n,o,c] = clamp(rne(float(Σ (x - xZero)) · (ratio / count)) + zero, low, high) over the taps inside x of
//           the window of o; count: these taps, or with `padded` those inside its padding too
// Shapes    y [N,OD,OH,OW,C] bytes, pixels ldc apart; x [N,D,H,W,C] bytes
// Numerics  sums in 32 bits, wrapping; one quotient, one product and one rounding in float32: every row gives the same
//           bits. An empty window has the sum 0 and the count 1
// Tiling    a row of output for 64 channels is one unit. Sums of up to 256 taps are kept in 16 bits. NEON takes 32
//           channels at a time, so that four chains of sums hide each other's latency: 4.4 cycles a tap on Cortex-A72, 2.6
//           on neoverse-n1 by llvm-mca, with 16 channels 4 and 2 of their latency
// Packing   none
// Source    none

// What one unit of a row averages, and the windows along its row.
struct AverageRow {
  Window d, h;
  const uint8_t* x;  // image, first channel
  int64_t stepD, stepH, stepW;
  uint8_t* y;
  int n;  // channels
};

static float countOf(const BytePoolParams& p, const AverageRow& u, const Window& w, int64_t& inside) {
  inside = (u.d.end - u.d.begin) * (u.h.end - u.h.begin) * (w.end - w.begin);
  const int64_t count = p.padded != 0 ? u.d.padded * u.h.padded * w.padded : inside;
  return count > 0 ? static_cast<float>(count) : 1.0f;
}

// Calls see(x) for every tap of a window.
template <class See>
DSNK_INLINE void eachTap(const BytePoolParams& p, const AverageRow& u, const Window& w, See see) {
  if (w.begin >= w.end) return;
  for (int64_t d = u.d.begin; d < u.d.end; d++) {
    for (int64_t h = u.h.begin; h < u.h.end; h++) {
      const uint8_t* at = u.x + (u.d.start + d * p.dilations[0]) * u.stepD +
                          (u.h.start + h * p.dilations[1]) * u.stepH + (w.start + w.begin * p.dilations[2]) * u.stepW;
      for (int64_t i = w.begin; i < w.end; i++, at += p.dilations[2] * u.stepW) see(at);
    }
  }
}

// Row: run(p, u) for one unit of at most 64 channels.
template <class Row>
static Fault averageRows(const Work& work, Row run) {
  const auto& p = work.as<BytePoolParams>();
  const int64_t blocks = ceilDiv(p.channels, kPoolChannels), rows = int64_t{p.batch} * p.outSize[0] * p.outSize[1];
  const int64_t stepW = p.channels, stepH = stepW * p.inSize[2], stepD = stepH * p.inSize[1];
  const Range units = tileRange(rows * blocks, work.tile, work.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t row = unit / blocks, c = unit % blocks * kPoolChannels, rest = p.channels - c;
    const uint8_t* image = work.at<const uint8_t>(1) + row / p.outSize[1] / p.outSize[0] * p.inSize[0] * stepD;
    run(p, AverageRow{windowOf(p, 0, row / p.outSize[1] % p.outSize[0]), windowOf(p, 1, row % p.outSize[1]), image + c,
                      stepD, stepH, stepW, work.at<uint8_t>(0) + row * p.outSize[2] * p.ldc + c,
                      static_cast<int>(rest < kPoolChannels ? rest : kPoolChannels)});
  }
  return Fault::none;
}
