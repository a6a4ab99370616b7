// Computes  y[n,o,c] = max, mean or p-norm of x[n, o·stride - pad + tap·dilation, c] over the taps inside x
// Shapes    y [N,OD,OH,OW,C]; x [N,D,H,W,C]
// Numerics  max: bit-equal, NaN is never larger, an empty window gives -∞. mean: taps summed in order, then one
// division,
//           |error| ≤ (taps+1)·2^-24·mean|x|; an empty window gives 0. p-norm: likewise on |x|^p, p ≤ 2 without pow
// Tiling    one output pixel times 64 channels is one unit: four AVX-512 vectors, one row of memory per tap. Global
//           pooling is the window that covers everything, cut over channels.
// Packing   none
// Source    none

struct PoolTaps {
  Window d, h, w;
  const float* x;  // image, channel of the unit
  int64_t stepD, stepH, stepW;
};

enum class Reduction { largest, sum, absolutes, squares, powers };

// |x|^p lane by lane.
__attribute__((noinline)) static F32 powerOf(F32 x, float p) {
  float lane[F32::lanes];
  abs(x).store(lane);
  for (int i = 0; i < F32::lanes; i++) lane[i] = ::powf(lane[i], p);
  return F32::load(lane);
}

template <Reduction how, bool whole>
DSNK_INLINE F32 poolVector(const PoolParams& p, const PoolTaps& t, int64_t c, int n) {
  F32 sum = how == Reduction::largest ? F32::set(-__builtin_inff()) : F32::zero();
  for (int64_t d = t.d.begin; d < t.d.end; d++) {
    for (int64_t h = t.h.begin; h < t.h.end; h++) {
      const float* row =
          t.x + (t.d.start + d * p.dilations[0]) * t.stepD + (t.h.start + h * p.dilations[1]) * t.stepH + c;
      for (int64_t w = t.w.begin; w < t.w.end; w++) {
        const float* at = row + (t.w.start + w * p.dilations[2]) * t.stepW;
        const F32 x = whole ? F32::load(at) : F32::loadFirst(at, n);
        if constexpr (how == Reduction::largest) sum = max(x, sum);
        if constexpr (how == Reduction::sum) sum = sum + x;
        if constexpr (how == Reduction::absolutes) sum = sum + abs(x);
        if constexpr (how == Reduction::squares) sum = fma(x, x, sum);
        if constexpr (how == Reduction::powers) sum = sum + powerOf(x, static_cast<float>(p.p));
      }
    }
  }
  return sum;
}

template <Reduction how>
static void poolRow(const PoolParams& p, const PoolTaps& t, float* y, int64_t channels, float divisor) {
  auto finish = [&](F32 sum) __attribute__((always_inline)) {
    if constexpr (how == Reduction::sum) return sum / F32::set(divisor);
    if constexpr (how == Reduction::squares) return sqrt(sum);
    if constexpr (how == Reduction::powers) return powerOf(sum, 1.0f / static_cast<float>(p.p));
    return sum;
  };
  int64_t c = 0;
  for (; c + F32::lanes <= channels; c += F32::lanes) finish(poolVector<how, true>(p, t, c, 0)).store(y + c);
  if (c < channels) {
    const int n = static_cast<int>(channels - c);
    finish(poolVector<how, false>(p, t, c, n)).storeFirst(y + c, n);
  }
}

static Fault runPool(const Work& work) {
  const auto& p = work.as<PoolParams>();
  const auto kind = static_cast<PoolKind>(p.kind);
  const Range units = tileRange(poolUnits(p), work.tile, work.tiles);
  for (int64_t i = units.begin; i < units.end; i++) {
    const PoolUnit u = poolUnit(p, i);
    const int64_t stepW = p.channels, stepH = stepW * p.inSize[2], stepD = stepH * p.inSize[1];
    const PoolTaps t{windowOf(p, 0, u.at[0]),
                     windowOf(p, 1, u.at[1]),
                     windowOf(p, 2, u.at[2]),
                     work.at<const float>(1) + u.image * p.inSize[0] * stepD + u.channel,
                     stepD,
                     stepH,
                     stepW};
    float* y = work.at<float>(0) + u.pixel * p.channels + u.channel;
    if (kind == PoolKind::max) {
      poolRow<Reduction::largest>(p, t, y, u.channels, 1.0f);
    } else if (kind == PoolKind::lp) {
      if (p.p == 1)
        poolRow<Reduction::absolutes>(p, t, y, u.channels, 1.0f);
      else if (p.p == 2)
        poolRow<Reduction::squares>(p, t, y, u.channels, 1.0f);
      else
        poolRow<Reduction::powers>(p, t, y, u.channels, 1.0f);
    } else {
      const float inside = static_cast<float>(t.d.end - t.d.begin) * static_cast<float>(t.h.end - t.h.begin) *
                           static_cast<float>(t.w.end - t.w.begin);
      const float padded =
          static_cast<float>(t.d.padded) * static_cast<float>(t.h.padded) * static_cast<float>(t.w.padded);
      const float count = kind == PoolKind::average ? inside : padded;
      poolRow<Reduction::sum>(p, t, y, u.channels, count > 0 ? count : 1.0f);
    }
  }
  return Fault::none;
}
