// Computes  y[n,o,c] = act(bias[c] + Σ_tap x[n, o·stride - pad + tap·dilation, c] · w[tap,c] + residual[n,o,c])
// Shapes    y [N,OH,OW,C], pixels ldc apart; x [N,H,W,C]; w [kH·kW,C]; bias [C]; residual as y, dense
// Numerics  float32, one fma chain per output in ascending tap from bias; |error| ≤ (taps+3)·2^-24·Σ|x||w|
// Tiling    a vector of channels times 7, 4, 2 or 1 output pixels of a row (the rows of image networks are multiples of
//           7): at 3x3 stride 1 that is 27 loads of x and 9 of w for 63 fma, so the kernel is bound by fma in L1 and by
//           memory outside. 7 sums + 5 weights + 1 fit the 16 registers of AVX2. Blocks at the border leave out
//           columns by a predictable branch. Channels are the inner loop: every stream is read forwards.
//           Measured on one Zen 4 core, fraction of the fma probe: 3x3 70 … 77 %, 5x5 93 %, 3x3 stride 2 at 112x112
//           55 % (it reads 5 MB at 50 GB/s). Rejected: six pixels with separate code for border pixels lost a third;
//           units of 32 or 64 channels, so that three rows stay in L1, lost 0 … 10 %; the three rows of taps unrolled
//           gained nothing.
// Packing   w as [tap][channel], one row of channels per tap (conv_pack with one lane and one panel)
// Source    our own; the taps in one pass are those of XNNPACK's dwconv in spirit, here without an indirection buffer
#include "kernels/epilogue/clamp.inl"

#define DSNK_UNROLL _Pragma("GCC unroll 16")

// Everything of one unit that its blocks share.
struct DepthwiseRow {
  const float* x;  // image n, column 0, channel 0 of the unit
  const float* w;
  const float* bias;
  const float* residual;  // output row, as y
  float* y;
  int64_t inRow, inPixel, outPixel, residualPixel, tapRow, tapPixel;  // strides in elements
  int64_t firstH;                                                     // input row of tap 0
  Range tapsH;
  int64_t restartTap, restart;  // from that tap on, rows lie `restart` elements before: x is a ring of rows
  int64_t channels;
  Clamp clamp;
  int32_t activation;
  float alpha, beta;
};

constexpr int64_t kNoRestart = INT64_MAX;

// What is no clamp runs over each block of pixels after it is stored.
DSNK_INLINE void finishBlock(const DepthwiseRow& u, int64_t o, int pixels) {
  if (isClamp(u.activation)) return;
  const int channels = static_cast<int>(u.channels);
  sweepOf(u.activation)(u.y + o * u.outPixel, {nullptr, u.outPixel, pixels, channels, u.alpha, u.beta});
}

template <bool whole>
DSNK_INLINE F32 loadPart(const float* p, int n) {
  if constexpr (whole)
    return F32::load(p);
  else
    return F32::loadFirst(p, n);
}

template <bool whole, int PX>
DSNK_INLINE void storeBlock(const DepthwiseRow& u, F32 (&t)[1][PX], int64_t o, int64_t c, int n) {
  if (u.residual) {
    const float* add = u.residual + o * u.residualPixel + c;
    DSNK_UNROLL for (int i = 0; i < PX; i++, add += u.residualPixel) t[0][i] = t[0][i] + loadPart<whole>(add, n);
  }
  u.clamp(t);
  float* y = u.y + o * u.outPixel + c;
  DSNK_UNROLL for (int i = 0; i < PX; i++, y += u.outPixel) {
    if constexpr (whole)
      t[0][i].store(y);
    else
      t[0][i].storeFirst(y, n);
  }
}

// Makes a loaded vector stay in its register: folded into every fma that uses it, it would be loaded as often.
DSNK_INLINE F32 kept(F32 x) {
#if defined(__AVX512F__)
  asm("" : "+v"(x.v));
#elif defined(__x86_64__)
  asm("" : "+x"(x.v));
#elif defined(__ARM_NEON)
  if constexpr (F32::lanes == 4) asm("" : "+w"(x.v));
#endif
  return x;
}

// PX neighbouring pixels; kernel width and stride are constants, so every loaded column serves all the pixels that see
// it. Columns outside `columns` lie in the padding; that is looked at only where `border`.
template <int KW, int S, int PX, bool whole, bool border>
DSNK_INLINE void slideVector(const DepthwiseRow& u, int64_t o, int64_t firstW, Range columns, int64_t c, int n) {
  F32 t[1][PX];
  const F32 bias = u.bias ? loadPart<whole>(u.bias + c, n) : F32::zero();
  DSNK_UNROLL for (int i = 0; i < PX; i++) t[0][i] = bias;
  const float* x = u.x + (u.firstH + u.tapsH.begin) * u.inRow + firstW * u.inPixel + c;
  const float* w = u.w + u.tapsH.begin * u.tapRow + c;
  for (int64_t h = u.tapsH.begin; h < u.tapsH.end; h++, x += u.inRow, w += u.tapRow) {
    if (h == u.restartTap) x -= u.restart;
    F32 tap[KW];
    DSNK_UNROLL for (int k = 0; k < KW; k++) tap[k] = kept(loadPart<whole>(w + k * u.tapPixel, n));
    const float* at = x;
    DSNK_UNROLL for (int column = 0; column < (PX - 1) * S + KW; column++, at += u.inPixel) {
      if (border && (column < columns.begin || column >= columns.end)) continue;
      const F32 v = kept(loadPart<whole>(at, n));
      DSNK_UNROLL for (int i = 0; i < PX; i++) {
        const int k = column - i * S;
        if (k >= 0 && k < KW) t[0][i] = fma(v, tap[k], t[0][i]);
      }
    }
  }
  storeBlock<whole, PX>(u, t, o, c, n);
}

template <int KW, int S, int PX, bool border>
static void slide(const DepthwiseRow& row, int64_t o, int64_t firstW, Range columns) {
  // A copy that no store can reach: fields stay in registers over the loop.
  const DepthwiseRow u = row;
  int64_t c = 0;
  for (; c + F32::lanes <= u.channels; c += F32::lanes) {
    slideVector<KW, S, PX, true, border>(u, o, firstW, columns, c, F32::lanes);
  }
  if (c < u.channels) {
    slideVector<KW, S, PX, false, border>(u, o, firstW, columns, c, static_cast<int>(u.channels - c));
  }
}

// Any kernel, any position: one pixel.
template <bool whole>
DSNK_INLINE void anyVector(const DepthwiseRow& u, int64_t o, int64_t firstW, int64_t stepW, int64_t stepH, Range tapsW,
                           int64_t c, int n) {
  F32 t[1][1] = {{u.bias ? loadPart<whole>(u.bias + c, n) : F32::zero()}};
  for (int64_t h = u.tapsH.begin; h < u.tapsH.end; h++) {
    const float* x = u.x + (u.firstH + h * stepH) * u.inRow - (h < u.restartTap ? 0 : u.restart) + c;
    const float* w = u.w + h * u.tapRow + c;
    for (int64_t k = tapsW.begin; k < tapsW.end; k++) {
      t[0][0] = fma(loadPart<whole>(x + (firstW + k * stepW) * u.inPixel, n), loadPart<whole>(w + k * u.tapPixel, n),
                    t[0][0]);
    }
  }
  storeBlock<whole, 1>(u, t, o, c, n);
}

static void anyPixel(const DepthwiseRow& u, int64_t o, int64_t firstW, int64_t stepW, int64_t stepH, Range tapsW) {
  int64_t c = 0;
  for (; c + F32::lanes <= u.channels; c += F32::lanes) {
    anyVector<true>(u, o, firstW, stepW, stepH, tapsW, c, F32::lanes);
  }
  if (c < u.channels) anyVector<false>(u, o, firstW, stepW, stepH, tapsW, c, static_cast<int>(u.channels - c));
}

// One row of output, for a kernel width and a stride that are constants.
template <int KW, int S>
static void slideRow(const DepthwiseRow& u, int64_t pad, int64_t inWidth, int64_t outWidth) {
  using Slide = void (*)(const DepthwiseRow&, int64_t, int64_t, Range);
  static constexpr int pixels[] = {7, 4, 2, 1};
  static constexpr Slide inner[] = {slide<KW, S, 7, false>, slide<KW, S, 4, false>, slide<KW, S, 2, false>,
                                    slide<KW, S, 1, false>};
  static constexpr Slide border[] = {slide<KW, S, 7, true>, slide<KW, S, 4, true>, slide<KW, S, 2, true>,
                                     slide<KW, S, 1, true>};
  for (int64_t o = 0; o < outWidth;) {
    int size = 0;
    while (pixels[size] > outWidth - o) size++;
    const int64_t firstW = o * S - pad, seen = (pixels[size] - 1) * S + KW;
    const bool clipped = firstW < 0 || firstW + seen > inWidth;
    (clipped ? border : inner)[size](u, o, firstW, {-firstW, inWidth - firstW});
    finishBlock(u, o, pixels[size]);
    o += pixels[size];
  }
}

using RowFunction = void (*)(const DepthwiseRow&, int64_t, int64_t, int64_t);

// nullptr where no code is that special.
static RowFunction rowFor(const DepthwiseParams& p) {
  if (p.dilations[0] != 1 || p.dilations[1] != 1) return nullptr;
  switch (int64_t{p.kernel[1]} * 4 + (p.strides[1] < 3 ? p.strides[1] : 0)) {
    case 3 * 4 + 1: return slideRow<3, 1>;
    case 3 * 4 + 2: return slideRow<3, 2>;
    case 5 * 4 + 1: return slideRow<5, 1>;
    case 5 * 4 + 2: return slideRow<5, 2>;
    case 7 * 4 + 1: return slideRow<7, 1>;
    default: return nullptr;
  }
}

// One row of output for the channels of u. `special` is rowFor(p).
static void runDepthwiseRow(const DepthwiseParams& p, RowFunction special, const DepthwiseRow& u) {
  if (special != nullptr) return special(u, p.pads[1], p.inSize[1], p.outSize[1]);
  for (int64_t o = 0; o < p.outSize[1]; o++) {
    const int64_t firstW = o * p.strides[1] - p.pads[1];
    anyPixel(u, o, firstW, p.dilations[1], p.dilations[0],
             tapsInside(firstW, p.dilations[1], p.kernel[1], p.inSize[1]));
    finishBlock(u, o, 1);
  }
}
#undef DSNK_UNROLL
