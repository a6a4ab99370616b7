// Computes  y[n,o,c] = max, mean or p-norm of x[n, o·stride - pad + tap·dilation, c] over the taps inside x
// Shapes    y [N,OD,OH,OW,C], pixels ldc apart; x [N,D,H,W,C]
// Numerics  max: bit-equal, NaN is never larger, an empty window gives -∞. mean: taps summed in order, one division,
//           |error| ≤ (taps+1)·2^-24·mean|x|; an empty window gives 0. p-norm: likewise on |x|^p, p ≤ 2 without pow
// Tiling    a row of output for 256 channels is one unit, or one pixel for 16 or 32 where rows have one pixel: the
//           window of global pooling covers everything. Up to four vectors of channels go through the taps side by
//           side: that many chains of sums hide each other's latency.
//           Measured on one Zen 4 core: max 3x3 s2 of 112x112x24 62 µs (one vector after another, and every window
//           settled anew for every pixel: 150 µs), global mean at 80 … 97 % of the bandwidth of reads from L2.
// Packing   none
// Source    none

// The window of one output pixel.
struct PoolTaps {
  Window d, h, w;
  const float* x;  // image, channel of the unit
  int64_t stepD, stepH, stepW;
  bool empty() const { return d.begin >= d.end || h.begin >= h.end || w.begin >= w.end; }
};

#define DSNK_UNROLL _Pragma("GCC unroll 4")

enum class Reduction { largest, sum, absolutes, squares, powers };

// |x|^p lane by lane.
__attribute__((noinline)) static F32 powerOf(F32 x, float p) {
  float lane[F32::lanes];
  abs(x).store(lane);
  for (int i = 0; i < F32::lanes; i++) lane[i] = ::powf(lane[i], p);
  return F32::load(lane);
}

// V vectors of channels, the last of which has `tail` lanes; all of them where `whole`.
template <Reduction how, int V, bool whole, class Finish>
DSNK_INLINE void poolVectors(const PoolParams& p, const PoolTaps& t, int64_t c, int tail, float* y, Finish finish) {
  constexpr int L = F32::lanes;
  const float power = static_cast<float>(p.p);
  F32 sum[V];
  for (int v = 0; v < V; v++) sum[v] = how == Reduction::largest ? F32::set(-__builtin_inff()) : F32::zero();
  if (!t.empty()) {
    const float* plane = t.x + (t.d.start + t.d.begin * p.dilations[0]) * t.stepD + c;
    for (int64_t d = t.d.begin; d < t.d.end; d++, plane += p.dilations[0] * t.stepD) {
      const float* row = plane + (t.h.start + t.h.begin * p.dilations[1]) * t.stepH;
      for (int64_t h = t.h.begin; h < t.h.end; h++, row += p.dilations[1] * t.stepH) {
        const float* at = row + (t.w.start + t.w.begin * p.dilations[2]) * t.stepW;
        for (int64_t w = t.w.begin; w < t.w.end; w++, at += p.dilations[2] * t.stepW) {
          DSNK_UNROLL for (int v = 0; v < V; v++) {
            const F32 x = whole || v < V - 1 ? F32::load(at + v * L) : F32::loadFirst(at + v * L, tail);
            if constexpr (how == Reduction::largest) sum[v] = max(x, sum[v]);
            if constexpr (how == Reduction::sum) sum[v] = sum[v] + x;
            if constexpr (how == Reduction::absolutes) sum[v] = sum[v] + abs(x);
            if constexpr (how == Reduction::squares) sum[v] = fma(x, x, sum[v]);
            if constexpr (how == Reduction::powers) sum[v] = sum[v] + powerOf(x, power);
          }
        }
      }
    }
  }
  for (int v = 0; v < V; v++) {
    if (whole || v < V - 1)
      finish(sum[v]).store(y + c + v * L);
    else
      finish(sum[v]).storeFirst(y + c + v * L, tail);
  }
}

template <Reduction how>
static void poolPixel(const PoolParams& p, const PoolTaps& t, float* y, int64_t channels, float divisor) {
  constexpr int L = F32::lanes;
  auto finish = [&](F32 sum) __attribute__((always_inline)) {
    if constexpr (how == Reduction::sum) return sum / F32::set(divisor);
    if constexpr (how == Reduction::squares) return sqrt(sum);
    if constexpr (how == Reduction::powers) return powerOf(sum, 1.0f / static_cast<float>(p.p));
    return sum;
  };
  int64_t c = 0;
  for (; c + 4 * L <= channels; c += 4 * L) poolVectors<how, 4, true>(p, t, c, L, y, finish);
  if (c == channels) return;
  const int64_t rest = channels - c;
  const int tail = static_cast<int>((rest - 1) % L + 1);
  switch ((rest + L - 1) / L) {
    case 1: return poolVectors<how, 1, false>(p, t, c, tail, y, finish);
    case 2: return poolVectors<how, 2, false>(p, t, c, tail, y, finish);
    case 3: return poolVectors<how, 3, false>(p, t, c, tail, y, finish);
    default: return poolVectors<how, 4, false>(p, t, c, tail, y, finish);
  }
}
#undef DSNK_UNROLL

using PixelFunction = void (*)(const PoolParams&, const PoolTaps&, float*, int64_t, float);
static PixelFunction pixelFor(const PoolParams& p) {
  switch (static_cast<PoolKind>(p.kind)) {
    case PoolKind::max: return poolPixel<Reduction::largest>;
    case PoolKind::lp:
      return p.p == 1   ? poolPixel<Reduction::absolutes>
             : p.p == 2 ? poolPixel<Reduction::squares>
                        : poolPixel<Reduction::powers>;
    default: return poolPixel<Reduction::sum>;
  }
}

static Fault runPool(const Work& work) {
  const auto& p = work.as<PoolParams>();
  const auto kind = static_cast<PoolKind>(p.kind);
  const PixelFunction pixel = pixelFor(p);
  const PoolRows rows(p);
  const int64_t stepW = p.channels, stepH = stepW * p.inSize[2], stepD = stepH * p.inSize[1];
  const int64_t reach = int64_t{p.kernel[2] - 1} * p.dilations[2];
  const Range units = tileRange(rows.units, work.tile, work.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t row = u / rows.parts, c = u % rows.parts * rows.partChannels;
    const int64_t image = row / p.outSize[1] / p.outSize[0];
    const int64_t channels = p.channels - c < rows.partChannels ? p.channels - c : rows.partChannels;
    PoolTaps t{windowOf(p, 0, row / p.outSize[1] % p.outSize[0]),
               windowOf(p, 1, row % p.outSize[1]),
               {},
               work.at<const float>(1) + image * p.inSize[0] * stepD + c,
               stepD,
               stepH,
               stepW};
    float* y = work.at<float>(0) + row * p.outSize[2] * p.ldc + c;
    for (int64_t o = 0; o < p.outSize[2]; o++, y += p.ldc) {
      const int64_t start = o * p.strides[2] - p.padsBegin[2];
      const bool inside = start >= 0 && start + reach < p.inSize[2];
      t.w = inside ? Window{start, 0, p.kernel[2], p.kernel[2]} : windowOf(p, 2, o);
      const float inSize = static_cast<float>(t.d.end - t.d.begin) * static_cast<float>(t.h.end - t.h.begin) *
                           static_cast<float>(t.w.end - t.w.begin);
      const float padded =
          static_cast<float>(t.d.padded) * static_cast<float>(t.h.padded) * static_cast<float>(t.w.padded);
      const float count = kind == PoolKind::average ? inSize : padded;
      pixel(p, t, y, channels, count > 0 ? count : 1.0f);
    }
  }
  return Fault::none;
}
