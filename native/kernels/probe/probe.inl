// Computes  nothing of use: probe_fma runs 12 independent chains of fma, probe_read sums a buffer
// Shapes    y: 64 bytes a tile (so that no loop can be left out); x: any bytes
// Numerics  none
// Tiling    12 chains hide the FMA latency of two ports (2 × 4 … 5 cycles) and leave room in 16 registers; eight chains
//           of adds keep the loads ahead
// Packing   none
// Source    none

constexpr int kProbeChains = 12;

static Fault probeFma(const Work& w) {
  const auto& p = w.as<ProbeFmaParams>();
  F32 t[kProbeChains];
  _Pragma("GCC unroll 32") for (int i = 0; i < kProbeChains; i++) t[i] = F32::set(static_cast<float>(i));
  F32 a = F32::set(0.999f), b = F32::set(0.001f);
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < kProbeChains; i++) t[i] = fma(t[i], a, b);
  }
  F32 s = F32::zero();
  _Pragma("GCC unroll 32") for (int i = 0; i < kProbeChains; i++) s = s + t[i];
  s.store(w.at<float>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}

static Fault probeRead(const Work& w) {
  const auto& p = w.as<ProbeReadParams>();
  constexpr int64_t step = 8 * F32::lanes;
  const Range range = tileRange(p.bytes / 4, w.tile, w.tiles, step);
  F32 t[8];
  _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) t[i] = F32::zero();
  for (int64_t n = 0; n < p.rounds; n++) {
    const float* x = w.at<const float>(1);
    for (int64_t at = range.begin; at + step <= range.end; at += step) {
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) t[i] = t[i] + F32::load(x + at + i * F32::lanes);
    }
  }
  F32 s = F32::zero();
  _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) s = s + t[i];
  s.store(w.at<float>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
