// Computes  y[n,o,c] = act(bias[c] + Σ_tap x[n, o·stride - pad + tap·dilation, c] · w[tap,c] + residual[n,o,c])
// Shapes    y [N,OH,OW,C], pixels ldc apart; x [N,H,W,C]; w [kH·kW,C]; bias [C]; residual as y, dense
// Numerics  float32, one fma chain per output in ascending tap from bias; |error| ≤ (taps+3)·2^-24·Σ|x||w|
// Tiling    a vector of channels times 7, 4, 2 or 1 output pixels of a row (the rows of image networks are multiples of
//           7): at 3x3 stride 1 that is 27 loads of x and 9 of w for 63 fma. 7 sums + 5 weights + 1 fit the 16
//           registers of AVX2. With the 32 of AVX-512 and AArch64 two rows of output at stride 1: 36 + 9 loads for 126 fma, and L1
//           is filled twice with each line of x instead of three times. Blocks at the border leave out rows and columns
//           by predictable branches. Channels are the inner loop: every stream is read forwards.
//           Measured on one Zen 4 core with a prototype of these loops, in alternation with the kernel before, microseconds
//           best (fraction of the fma probe; above 1: taps in the padding are left out). Two rows: 3x3 144@56 78 (0.88,
//           before 92), 5x5 672@14 53 (1.06, 55), 5x5 240@28 78 (1.02, 85). With three rows: 3x3 192@28 25 (0.90, 30),
//           576@14 19 (0.90, 24), 960@7 6.6 (1.09, 8.1). One row: 3x3 s2 96@112 93 (0.49, 106): reading its 4.8 MB alone
//           takes 48, and the fma 46; with x in L2 it takes 86. Times jump by 1.4 between phases of the machine in which
//           the probe stays the same; medians over such phases: 144@56 101 (134), 96@112 101 (137).
//           Rejected, 144@56 and 96@112 s2, best: three rows of sums +2 and 0 %, median +10 % beside a busy neighbour;
//           two rows at stride 2 0 %; strips of 7 or 14 columns walked downwards +5 and 0 %, of 48 channels +10 … 18 and
//           +3 %; prefetching the next rows of x, in order of addresses or of use, 0 … +8 %, the lines of y 0 … +4 %;
//           six pixels with separate code for border pixels +33 %; units of 32 or 64 channels +0 … 10 %. Winograd along
//           a row does not pay by count: the transforms are per channel, so a multiplication saved costs more than one
//           addition: F(4,3) 39 operations for 36 fma with every transformed row kept, F(2,5) 50 for 50, F(4,5) 80 for
//           100 and a store of 8 vectors a row, 16 cycles.
// Packing   w as [tap][channel], one row of channels per tap (conv_pack with one lane and one panel)
// Source    our own; the taps in one pass are those of XNNPACK's dwconv in spirit, here without an indirection buffer
#include "kernels/depthwise/rows.inl"

#define DSNK_UNROLL _Pragma("GCC unroll 16")

// What is no clamp runs over each block of pixels after it is stored.
DSNK_INLINE void finishBlock(const DepthwiseRow& u, int64_t row, int64_t o, int pixels) {
  if (isClamp(u.activation)) return;
  const int channels = static_cast<int>(u.channels);
  sweepOf(u.activation)(u.y + row * u.outRow + o * u.outPixel,
                        {nullptr, u.outPixel, pixels, channels, u.alpha, u.beta});
}

template <bool whole>
DSNK_INLINE F32 loadPart(const float* p, int n) {
  if constexpr (whole)
    return F32::load(p);
  else
    return F32::loadFirst(p, n);
}

// Makes the compiler step from address to address. It knows that they all follow from one, would compute each before
// the loop over the channels, and spill them: some 200 instructions a block of 9 to 16 vectors, a tenth of the time.
template <class T>
DSNK_INLINE T* stepped(T* p) {
  asm("" : "+r"(p));
  return p;
}

template <bool whole, int R, int PX>
DSNK_INLINE void storeBlock(const DepthwiseRow& u, F32 (&t)[R][PX], int64_t o, int64_t c, int n) {
  if (u.residual) {
    DSNK_UNROLL for (int r = 0; r < R; r++) {
      const float* add = u.residual + r * u.residualRow + o * u.residualPixel + c;
      DSNK_UNROLL for (int i = 0; i < PX; i++, add = stepped(add + u.residualPixel)) {
        t[r][i] = t[r][i] + loadPart<whole>(add, n);
      }
    }
  }
  u.clamp(t);
  DSNK_UNROLL for (int r = 0; r < R; r++) {
    float* y = u.y + r * u.outRow + o * u.outPixel + c;
    DSNK_UNROLL for (int i = 0; i < PX; i++, y = stepped(y + u.outPixel)) {
      if constexpr (whole)
        t[r][i].store(y);
      else
        t[r][i].storeFirst(y, n);
    }
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

// What input row h adds to R rows of PX sums: tap row h of the first, h - S of the second. A block at the border has at
// most KW - 1 columns in the padding on either side, so only these are compared; a single pixel may have all there.
template <int KW, int S, bool whole, bool border, int R, int PX, int KH>
DSNK_INLINE void addRow(F32 (&t)[R][PX], const F32 (&tap)[KH][KW], int h, const float* x, int64_t inPixel,
                        Range columns, int n) {
  const float* at = stepped(x);
  DSNK_UNROLL for (int column = 0; column < (PX - 1) * S + KW; column++, at = stepped(at + inPixel)) {
    if (border && (PX == 1 || column < KW - 1) && column < columns.begin) continue;
    if (border && (PX == 1 || column > (PX - 1) * S) && column >= columns.end) continue;
    const F32 v = kept(loadPart<whole>(at, n));
    DSNK_UNROLL for (int r = 0; r < R; r++) {
      const int kh = h - r * S;
      if (kh < 0 || kh >= KH) continue;
      DSNK_UNROLL for (int i = 0; i < PX; i++) {
        const int k = column - i * S;
        if (k >= 0 && k < KW) t[r][i] = fma(v, tap[kh][k], t[r][i]);
      }
    }
  }
}

template <int KW, bool whole>
DSNK_INLINE void loadTaps(F32 (&tap)[KW], const float* w, int64_t tapPixel, int n) {
  DSNK_UNROLL for (int k = 0; k < KW; k++, w = stepped(w + tapPixel)) tap[k] = kept(loadPart<whole>(w, n));
}

// R rows of PX neighbouring pixels; kernel width and stride are constants, so every loaded column serves all the pixels
// that see it. Columns outside `columns` and rows outside u.tapsH lie in the padding. One row is of any height of the
// kernel, two are of square kernels.
template <int KW, int S, int R, int PX, bool whole, bool border>
DSNK_INLINE void slideVector(const DepthwiseRow& u, int64_t o, int64_t firstW, Range columns, int64_t c, int n) {
  F32 t[R][PX];
  const F32 bias = u.bias ? loadPart<whole>(u.bias + c, n) : F32::zero();
  DSNK_UNROLL for (int r = 0; r < R; r++) { DSNK_UNROLL for (int i = 0; i < PX; i++) t[r][i] = bias; }
  if constexpr (R == 1) {
    const float* x = u.x + (u.firstH + u.tapsH.begin) * u.inRow + firstW * u.inPixel + c;
    const float* w = u.w + u.tapsH.begin * u.tapRow + c;
    for (int64_t h = u.tapsH.begin; h < u.tapsH.end; h++, x += u.inRow, w += u.tapRow) {
      if (h == u.restartTap) x -= u.restart;
      F32 tap[1][KW];
      loadTaps<KW, whole>(tap[0], w, u.tapPixel, n);
      addRow<KW, S, whole, border>(t, tap, 0, x, u.inPixel, columns, n);
    }
  } else {
    const float* x = u.x + u.firstH * u.inRow + firstW * u.inPixel + c;
    const float* w = u.w + c;
    F32 tap[KW][KW];
    DSNK_UNROLL for (int h = 0; h < (R - 1) * S + KW; h++, x = stepped(x + u.inRow), w = stepped(w + u.tapRow)) {
      if (h < KW) loadTaps<KW, whole>(tap[h], w, u.tapPixel, n);
      if (h == u.restartTap) x -= u.restart;
      if (border && (h < u.tapsH.begin || h >= u.tapsH.end)) continue;
      addRow<KW, S, whole, border>(t, tap, h, x, u.inPixel, columns, n);
    }
  }
  storeBlock<whole>(u, t, o, c, n);
}

template <int KW, int S, int R, int PX, bool border>
static void slide(const DepthwiseRow& row, int64_t o, int64_t firstW, Range columns) {
  // A copy that no store can reach: fields stay in registers over the loop.
  const DepthwiseRow u = row;
  int64_t c = 0;
  for (; c + F32::lanes <= u.channels; c += F32::lanes) {
    slideVector<KW, S, R, PX, true, border>(u, o, firstW, columns, c, F32::lanes);
  }
  if (c < u.channels) {
    slideVector<KW, S, R, PX, false, border>(u, o, firstW, columns, c, static_cast<int>(u.channels - c));
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
  storeBlock<whole>(u, t, o, c, n);
}

static void anyPixel(const DepthwiseRow& u, int64_t o, int64_t firstW, int64_t stepW, int64_t stepH, Range tapsW) {
  int64_t c = 0;
  for (; c + F32::lanes <= u.channels; c += F32::lanes) {
    anyVector<true>(u, o, firstW, stepW, stepH, tapsW, c, F32::lanes);
  }
  if (c < u.channels) anyVector<false>(u, o, firstW, stepW, stepH, tapsW, c, static_cast<int>(u.channels - c));
}

// R rows of output, for a kernel width and a stride that are constants.
template <int KW, int S, int R>
static void slideRow(const DepthwiseRow& u, int64_t pad, int64_t inWidth, int64_t outWidth) {
  using Slide = void (*)(const DepthwiseRow&, int64_t, int64_t, Range);
  // One lane at a time: a third of the code.
  constexpr bool plain = F32::lanes == 1;
  constexpr int most = plain ? 4 : 7;
  static constexpr int pixels[] = {most, 4, 2, 1};
  static constexpr Slide inner[] = {slide<KW, S, R, most, plain>, slide<KW, S, R, 4, plain>, slide<KW, S, R, 2, plain>,
                                    slide<KW, S, R, 1, plain>};
  static constexpr Slide border[] = {slide<KW, S, R, most, true>, slide<KW, S, R, 4, true>, slide<KW, S, R, 2, true>,
                                     slide<KW, S, R, 1, true>};
  const bool rowsClipped = R > 1 && (u.tapsH.begin > 0 || u.tapsH.end < (R - 1) * S + KW);
  for (int64_t o = 0; o < outWidth;) {
    int size = 0;
    while (pixels[size] > outWidth - o) size++;
    const int64_t firstW = o * S - pad, seen = (pixels[size] - 1) * S + KW;
    const int64_t after = firstW + seen - inWidth;  // columns behind the input
    const bool clipped = rowsClipped || firstW < 0 || after > 0;
    if (firstW <= -KW || after >= KW) size = 3;
    (clipped ? border : inner)[size](u, o, firstW, {-firstW, inWidth - firstW});
    for (int r = 0; r < R; r++) finishBlock(u, r, o, pixels[size]);
    o += pixels[size];
  }
}

template <int K, int S>
static RowFunctions rowsOf(bool square) {
  if constexpr (S == 1 && kVectorRegisters == 32)
    return {slideRow<K, S, 1>, square ? slideRow<K, S, 2> : nullptr};
  else
    return {slideRow<K, S, 1>, nullptr};
}

RowFunctions rowsFor(const DepthwiseParams& p) {
  if (p.dilations[0] != 1 || p.dilations[1] != 1) return {};
  const bool square = p.kernel[0] == p.kernel[1] && p.strides[0] == p.strides[1];
  switch (int64_t{p.kernel[1]} * 4 + (p.strides[1] < 3 ? p.strides[1] : 0)) {
    case 3 * 4 + 1: return rowsOf<3, 1>(square);
    case 3 * 4 + 2: return rowsOf<3, 2>(square);
    case 5 * 4 + 1: return rowsOf<5, 1>(square);
    case 5 * 4 + 2: return rowsOf<5, 2>(square);
    case 7 * 4 + 1: return {slideRow<7, 1, 1>, nullptr};
    default: return {};
  }
}

void runDepthwiseRows(const DepthwiseParams& p, const RowFunctions& special, const DepthwiseRow& u, int64_t rows) {
  if (special.one != nullptr) return (rows == 2 ? special.two : special.one)(u, p.pads[1], p.inSize[1], p.outSize[1]);
  for (int64_t o = 0; o < p.outSize[1]; o++) {
    const int64_t firstW = o * p.strides[1] - p.pads[1];
    anyPixel(u, o, firstW, p.dilations[1], p.dilations[0],
             tapsInside(firstW, p.dilations[1], p.kernel[1], p.inSize[1]));
    finishBlock(u, 0, o, 1);
  }
}
#undef DSNK_UNROLL
