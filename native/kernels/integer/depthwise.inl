// Computes  y[n,o,c] = ending(Σ_tap x[n, o·stride - pad + tap·dilation, c]·w[tap, c] + bias[c]); x unsigned and w signed
//           bytes, what lies around x is `padding`; the ending stands in ending.inl
// Shapes    y [N,OH,OW,C], pixels ldc apart; x [N,H,W,C]; w and all that is one a channel: blocks of depthwise.h
// Numerics  sums in 32 bits, wrapping: every row gives the same bits
// Tiling    a block of channels times eight rows of output. Bytes of up to four taps are interleaved, so that one VPDPBUSD
//           adds up the taps of a channel: with vectors of 64 channels 8 shuffles make the operands of four. For 3x3 and
//           5x5 of stride 1 and 2 the taps of a group stand one above the other: an interleaved column of the window
//           serves every output in which it lies, whose sums wait in registers, taking turns. Any other window takes its
//           taps one after the other.
//           Limits, by count for 64 channels of a pixel of 3x3: 12 VPDPBUSD, 8 shuffles, 23 operations of the ending, two
//           a cycle on Zen 4: 22 cycles. Measured there inside MobileNetV2, microseconds best (and the float32 kernel
//           without its two conversions): 576@14 16 (22; by count 10.3), 384@14 10 (14.4), 960@7 8.5 (11), 192@28 18 (29),
//           144@56 70 (88), 96@112 s2 55 (121), 32@112 68 (132).
//           Rejected: two rows of output from four rows of x, which halves the shuffles and leaves filters no registers:
//           +12 %, since only one vector of 64 bytes is loaded a cycle; sums as a plain array indexed by turn, which GCC
//           keeps in memory: +55 %; the ending of anything but bytes in the same code, for whose call it spills: +30 %.
// Packing   depthwise.h
// Source    our own
//
// Needs from lanes-<isa>.inl types V of vectors of bytes: V::channels of them, `group` taps at a time; load, splat,
// interleave, multiplyAdd, loadWords, bytesOf, store, spread.

// What the rows of output of one unit share.
struct DepthwiseStrip {
  const uint8_t* row[5];  // rows of x that the window sees, column 0, first channel; what lies outside is padding too
  const uint8_t* padding;
  int64_t channels, pad, width, outWidth;  // distance of pixels of x
  const std::byte* block;
  const IntegerEnding& ending;  // at the first pixel and channel
  int n;                        // channels
};

// Anything but plain bytes, from sums in natural order.
template <class V>
__attribute__((noinline)) static void finishSlowly(const IntegerEnding& e, int64_t pixel, const V (&t)[4], int n) {
  float sums[V::channels];
  V::spread(t, sums);
  e.at(pixel, 0).finishRows(sums, V::channels, 1, n, /*biased=*/true);
}

// What one strip is compiled for: bytes without a residual of every channel of a block, of some, or anything else. A call
// of finishSlowly would keep no sum in its register, so it stands in code of its own.
enum class Strip { whole, part, slow };

template <class V, Strip how>
DSNK_INLINE void finishPixel(const DepthwiseStrip& u, int64_t pixel, const V (&t)[4]) {
  if constexpr (how == Strip::slow) {
    finishSlowly(u.ending, pixel, t, u.n);
  } else {
    const IntegerEnding& e = u.ending;
    const V bytes = V::bytesOf(t, reinterpret_cast<const float*>(u.block) + 4 * V::distance, e.range);
    bytes.template store<how == Strip::whole>(reinterpret_cast<uint8_t*>(e.y) + pixel * e.ldc, u.n);
  }
}

// What the windows of a row of output have in common. Sums of outputs that share columns take turns.
template <int K, int S>
struct Columns {
  static constexpr int groups = (K + 3) / 4;  // of four rows of x
  static constexpr int open = (K + S - 1) / S, period = open * S;
  // Zen 4 loads one vector of 64 bytes a cycle: filters that fit stay in registers.
  static constexpr bool held = K == 3;
};

template <class V, int seen, Strip how>
DSNK_INLINE void loadColumn(const DepthwiseStrip& u, int64_t at, V (&x)[(seen + 3) / 4][4]) {
  if (at < 0 || at >= u.width) {
    const V padding = V::splat(u.padding[0]);
    DSNK_UNROLL for (int g = 0; g < (seen + 3) / 4; g++) { DSNK_UNROLL for (int j = 0; j < 4; j++) x[g][j] = padding; }
    return;
  }
  const int64_t offset = at * u.channels;
  DSNK_UNROLL for (int g = 0; g < (seen + 3) / 4; g++) {
    const auto row = [&](int i) __attribute__((always_inline)) {
      return V::template load<how == Strip::whole>(u.row[4 * g + i] + offset, u.n);
    };
    if (seen - 4 * g == 1) {
      V::spreadOut(row(0), x[g]);
    } else if (seen - 4 * g == 3) {
      const V third = row(2);
      V::interleave(row(0), row(1), third, third, x[g]);
    } else {
      V::interleave(row(0), row(1), row(2), row(3), x[g]);
    }
  }
}

// Column `phase` of a period and those after it; a template each, so that every sum has a register of its own.
template <class V, int K, int S, Strip how, int phase>
DSNK_INLINE void walkColumns(const DepthwiseStrip& u, int64_t column, int64_t columns, const V (&filter)[3][4],
                             V (&t)[Columns<K, S>::open][4]) {
  using C = Columns<K, S>;
  if (column >= columns) return;
  V x[C::groups][4];
  loadColumn<V, K, how>(u, column - u.pad, x);
  const std::byte* weights = u.block + 8 * 4 * V::distance;
  opaque(weights);  // one register: addresses of operands of assembly would each take one
  // The last column of a window first: its sums make room.
  constexpr int last = K - 1 - (K - 1 - phase % S) % S;
  DSNK_UNROLL for (int k = last; k >= 0; k -= S) {
    const int turn = ((phase - k) / S + 2 * C::open) % C::open;
    DSNK_UNROLL for (int g = 0; g < C::groups; g++) {
      DSNK_UNROLL for (int j = 0; j < 4; j++) {
        if (k == 0 && g == 0) t[turn][j] = V::loadWords(u.block + 4 * V::distance * j);
        if constexpr (C::held) {
          t[turn][j].multiplyAdd(x[g][j], filter[k][j]);
        } else {
          t[turn][j].multiplyAdd(x[g][j], weights + ((k * C::groups + g) * 4 + j) * 4 * V::distance);
        }
      }
    }
    if (k == K - 1 && column >= K - 1) finishPixel<V, how>(u, (column - (K - 1)) / S, t[turn]);
  }
  if constexpr (phase + 1 < C::period) walkColumns<V, K, S, how, phase + 1>(u, column + 1, columns, filter, t);
}

// A row of output, walking along the columns of its windows.
template <class V, int K, int S, Strip how>
__attribute__((noinline)) static void columnStrip(const DepthwiseStrip& strip) {
  using C = Columns<K, S>;
  const DepthwiseStrip u = strip;  // a copy that no store can reach
  const int64_t columns = (u.outWidth - 1) * S + K;
  V t[C::open][4], filter[3][4];
  if constexpr (C::held) {
    DSNK_UNROLL for (int k = 0; k < 3; k++) {
      DSNK_UNROLL for (int j = 0; j < 4; j++) {
        filter[k][j] = V::loadWords(u.block + (8 + 4 * k + j) * 4 * V::distance);
      }
    }
  }
  for (int64_t column = 0; column < columns; column += C::period) {
    walkColumns<V, K, S, how, 0>(u, column, columns, filter, t);
  }
}

// One row of output for any window: its taps in groups, pixel by pixel.
template <class V, Strip how>
__attribute__((noinline)) static void flatStrip(const DepthwiseBytesParams& p, const DepthwiseStrip& strip,
                                                const uint8_t* image, int64_t firstH) {
  const DepthwiseStrip u = strip;
  constexpr int64_t groupBytes = 16 * V::distance;
  constexpr int most = 64;
  const uint8_t* from[most];
  for (int64_t o = 0; o < u.outWidth; o++) {
    const int64_t firstW = o * p.strides[1] - u.pad;
    V t[4];
    DSNK_UNROLL for (int j = 0; j < 4; j++) t[j] = V::loadWords(u.block + 4 * V::distance * j);
    const std::byte* w = u.block + 8 * 4 * V::distance;
    for (int32_t kh = 0, kw = 0; kh < p.kernel[0];) {
      int count = 0;
      while (count < most && kh < p.kernel[0]) {
        const int64_t h = firstH + int64_t{kh} * p.dilations[0], at = firstW + int64_t{kw} * p.dilations[1];
        const bool inside = h >= 0 && h < p.inSize[0] && at >= 0 && at < u.width;
        from[count++] = inside ? image + (h * u.width + at) * u.channels : u.padding;
        if (++kw == p.kernel[1]) kw = 0, kh++;
      }
      while (count % V::group != 0) from[count++] = u.padding;  // times zeros
      for (int i = 0; i < count; i += V::group, w += groupBytes) {
        const auto tap = [&](int at) __attribute__((always_inline)) {
          return V::template load<how == Strip::whole>(from[i + at], u.n);
        };
        V x[4];
        if constexpr (V::group == 4) {
          V::interleave(tap(0), tap(1), tap(2), tap(3), x);
        } else {
          V::interleave(tap(0), tap(1), x);
        }
        DSNK_UNROLL for (int j = 0; j < 4; j++) t[j].multiplyAdd(x[j], w + 4 * V::distance * j);
      }
    }
    finishPixel<V, how>(u, o, t);
  }
}

// By pattern, kernel and stride.
template <class V, Strip how>
static void depthwiseStrip(const DepthwiseBytesParams& p, const DepthwiseStrip& u, const uint8_t* image,
                           int64_t firstH) {
  if constexpr (V::columns) {
    if (p.pattern == static_cast<int32_t>(DepthwisePattern::columns)) {
      if (p.kernel[0] == 3) return (p.strides[0] == 1 ? columnStrip<V, 3, 1, how> : columnStrip<V, 3, 2, how>)(u);
      return (p.strides[0] == 1 ? columnStrip<V, 5, 1, how> : columnStrip<V, 5, 2, how>)(u);
    }
  }
  flatStrip<V, how>(p, u, image, firstH);
}

// Half takes blocks of which at most half are channels.
template <class V, class Half>
static Fault integerDepthwise(const Work& w) {
  const auto& p = w.as<DepthwiseBytesParams>();
  constexpr int64_t nr = 4 * V::distance;
  const DepthwiseGroups groups(p, V::group);
  const int64_t blocks = ceilDiv(p.channels, nr), bands = ceilDiv(p.outSize[0], kDepthwiseRows);
  const int64_t inRow = depthwiseRowBytes(p), width = inRow == 0 ? 0 : p.inSize[1];
  auto* padding = reinterpret_cast<uint8_t*>(w.scratch);
  std::memset(padding, p.padding, static_cast<size_t>(inRow + 64));
  IntegerEnding ending(p, w);
  ending.residualRow = p.channels;
  const Range units = tileRange(depthwiseUnits(p, nr), w.tile, w.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t block = unit % blocks, band = unit / blocks, image = band / bands;
    const int64_t first = band % bands * kDepthwiseRows, left = p.outSize[0] - first, channel = block * nr;
    const int64_t end = left < kDepthwiseRows ? p.outSize[0] : first + kDepthwiseRows;
    const auto n = static_cast<int>(p.channels - channel < nr ? p.channels - channel : nr);
    const uint8_t* x = w.at<const uint8_t>(1) + image * p.inSize[0] * inRow + channel;
    for (int64_t oh = first; oh < end; oh++) {
      const IntegerEnding at = ending.at((image * p.outSize[0] + oh) * p.outSize[1], channel);
      const int64_t firstH = oh * p.strides[0] - p.pads[0];
      const std::byte* packed = w.at<const std::byte>(2) + block * groups.blockBytes(nr);
      DepthwiseStrip u{{}, padding, p.channels, p.pads[1], width, p.outSize[1], packed, at, n};
      for (int64_t i = 0; i < 5; i++) {
        const int64_t h = firstH + i;
        u.row[i] = h >= 0 && h < p.inSize[0] ? x + h * inRow : padding;
      }
      if (at.output != IntegerOutput::u8 || at.residual != nullptr) {
        depthwiseStrip<V, Strip::slow>(p, u, x, firstH);
      } else if (n == nr) {
        depthwiseStrip<V, Strip::whole>(p, u, x, firstH);
      } else if (n > nr / 2) {
        depthwiseStrip<V, Strip::part>(p, u, x, firstH);
      } else {
        depthwiseStrip<Half, Strip::part>(p, u, x, firstH);
      }
    }
  }
  return Fault::none;
}
