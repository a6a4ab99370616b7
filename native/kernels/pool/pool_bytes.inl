// Computes  y[n,o,c] = max over the taps inside x, of bytes: the definition stands in pool.cc
// Shapes    y [N,OD,OH,OW,C], pixels ldc apart; x [N,D,H,W,C]
// Numerics  exact; an empty window gives the lowest value
// Tiling    a row of output for 256 channels is one unit, or one pixel for 64 where rows have one pixel. Four vectors of
//           channels go through the taps side by side. By llvm-mca a tap of 64 channels takes 5.1 cycles on Cortex-A72 (its
//           one load unit: 4) and 2.1 on neoverse-n1 (two: 2), all in L1
// Packing   none
// Source    none
//
// Needs Bytes: lanes, load<whole>(p, n), store<whole>(p, n), and larger(a, b) of unsigned and of signed bytes.

struct ByteTaps {
  Window d, h, w;
  const uint8_t* x;  // image, channel of the unit
  int64_t stepD, stepH, stepW;
  bool empty() const { return d.begin >= d.end || h.begin >= h.end || w.begin >= w.end; }
};

template <bool isSigned, int V, bool whole>
DSNK_INLINE void poolBytes(const PoolParams& p, const ByteTaps& t, int64_t c, int tail, uint8_t* y) {
  Bytes most[V];
  for (int v = 0; v < V; v++) most[v] = Bytes::splat(isSigned ? -128 : 0);
  if (!t.empty()) {
    const uint8_t* plane = t.x + (t.d.start + t.d.begin * p.dilations[0]) * t.stepD + c;
    for (int64_t d = t.d.begin; d < t.d.end; d++, plane += p.dilations[0] * t.stepD) {
      const uint8_t* row = plane + (t.h.start + t.h.begin * p.dilations[1]) * t.stepH;
      for (int64_t h = t.h.begin; h < t.h.end; h++, row += p.dilations[1] * t.stepH) {
        const uint8_t* at = row + (t.w.start + t.w.begin * p.dilations[2]) * t.stepW;
        for (int64_t w = t.w.begin; w < t.w.end; w++, at += p.dilations[2] * t.stepW) {
          _Pragma("GCC unroll 4") for (int v = 0; v < V; v++) {
            const uint8_t* from = at + v * Bytes::lanes;
            const Bytes x = whole || v < V - 1 ? Bytes::load(from) : Bytes::loadFirst(from, tail);
            most[v] = larger<isSigned>(most[v], x);
          }
        }
      }
    }
  }
  _Pragma("GCC unroll 4") for (int v = 0; v < V; v++) {
    if (whole || v < V - 1) {
      most[v].store(y + c + v * Bytes::lanes);
    } else {
      most[v].storeFirst(y + c + v * Bytes::lanes, tail);
    }
  }
}

template <bool isSigned>
static void poolPixelOfBytes(const PoolParams& p, const ByteTaps& t, uint8_t* y, int64_t channels) {
  constexpr int L = Bytes::lanes;
  int64_t c = 0;
  for (; c + 4 * L <= channels; c += 4 * L) poolBytes<isSigned, 4, true>(p, t, c, L, y);
  for (; c + L <= channels; c += L) poolBytes<isSigned, 1, true>(p, t, c, L, y);
  if (c < channels) poolBytes<isSigned, 1, false>(p, t, c, static_cast<int>(channels - c), y);
}

template <bool isSigned>
static Fault runPoolOfBytes(const Work& work) {
  const auto& p = work.as<PoolParams>();
  const int64_t partChannels = p.outSize[2] > 1 ? 256 : 64, parts = ceilDiv(p.channels, partChannels);
  const int64_t rows = int64_t{p.batch} * p.outSize[0] * p.outSize[1];
  const int64_t stepW = p.channels, stepH = stepW * p.inSize[2], stepD = stepH * p.inSize[1];
  const int64_t reach = int64_t{p.kernel[2] - 1} * p.dilations[2];
  const Range units = tileRange(rows * parts, work.tile, work.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t row = u / parts, c = u % parts * partChannels;
    const int64_t image = row / p.outSize[1] / p.outSize[0];
    const int64_t channels = p.channels - c < partChannels ? p.channels - c : partChannels;
    ByteTaps t{windowOf(p, 0, row / p.outSize[1] % p.outSize[0]),
               windowOf(p, 1, row % p.outSize[1]),
               {},
               work.at<const uint8_t>(1) + image * p.inSize[0] * stepD + c,
               stepD,
               stepH,
               stepW};
    uint8_t* y = work.at<uint8_t>(0) + row * p.outSize[2] * p.ldc + c;
    for (int64_t o = 0; o < p.outSize[2]; o++, y += p.ldc) {
      const int64_t start = o * p.strides[2] - p.padsBegin[2];
      const bool inside = start >= 0 && start + reach < p.inSize[2];
      t.w = inside ? Window{start, 0, p.kernel[2], p.kernel[2]} : windowOf(p, 2, o);
      poolPixelOfBytes<isSigned>(p, t, y, channels);
    }
  }
  return Fault::none;
}
