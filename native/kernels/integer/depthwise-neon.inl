// depthwise.inl for NEON without interleaving: one filter a channel multiplies vectors of channels.
//
// Computes  as depthwise.inl, with signed bytes: x - 128, which its padding is too, and what is missing stands in the bias
// Shapes    as depthwise.inl; blocks of 16 channels in natural order, one tap at a time (nr 16, kr 1)
// Numerics  exact: 16 bits hold the sum of two products unless both are (-128)·(-128). A block that has a weight of -128
//           adds every product to the sums alone
// Tiling    two pixels of 16 channels: four sums each; two taps are two loads and turnings of x, four products into 16 bits
//           (two of them SMLAL) and four additions to the sums, 10 instructions for 32 products. Of 3x3 weights stay in
//           registers, and two neighbours share the columns that both see: 177 instructions for 288 products with their
//           requantization, which takes 60 of them. By llvm-mca (`npm run bench:mca`, all in L1) 93 cycles on Cortex-A72,
//           84 on neoverse-n1: the vector units are busy in 82 and 84 of them. Float32 takes as many, and four times
//           the memory. Rejected: a pixel at a time, 55 a pixel instead of 47, waiting for its own chain of 14 steps
// Packing   depthwise.h
// Source    our own

// What one row of output is compiled for: bytes without a residual, of weights that are all above -128 or not; or anything,
// read with care.
enum class Taps { paired, single, careful };

// One row of output of one block.
struct DepthwiseRow {
  const uint8_t* image;    // first channel of the block
  const uint8_t* padding;  // as long as a row of x
  const int8_t* weights;
  const int32_t* bias;
  const float* multipliers;
  int64_t firstH;
  int n;  // channels
};

// 16 channels less 128. Where fewer are wanted, those of the next pixels are read too, unless x may end there.
template <Taps how>
DSNK_INLINE int8x16_t loadChannels(const uint8_t* p, int n) {
  const uint8x16_t turned = vdupq_n_u8(0x80);
  if constexpr (how != Taps::careful) return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), turned));
  uint8_t some[16] = {};
  copyBytes<false>(p, n, some);
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(some), turned));
}

DSNK_INLINE void addWords(int32x4_t (&t)[4], int16x8_t low, int16x8_t high) {
  t[0] = vaddw_s16(t[0], vget_low_s16(low));
  t[1] = vaddw_s16(t[1], vget_high_s16(low));
  t[2] = vaddw_s16(t[2], vget_low_s16(high));
  t[3] = vaddw_s16(t[3], vget_high_s16(high));
}
DSNK_INLINE void addTap(int32x4_t (&t)[4], int8x16_t x, int8x16_t w) {
  addWords(t, vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_s8(vget_high_s8(x), vget_high_s8(w)));
}
template <Taps how>
DSNK_INLINE void addTaps(int32x4_t (&t)[4], int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) {
  if constexpr (how == Taps::paired) {
    addWords(t, vmlal_s8(vmull_s8(vget_low_s8(x0), vget_low_s8(w0)), vget_low_s8(x1), vget_low_s8(w1)),
             vmlal_s8(vmull_s8(vget_high_s8(x0), vget_high_s8(w0)), vget_high_s8(x1), vget_high_s8(w1)));
  } else {
    addTap(t, x0, w0);
    addTap(t, x1, w1);
  }
}

DSNK_INLINE uint8x16_t bytesOfPixel(const DepthwiseRow& u, const ByteRange& range, const int32x4_t (&t)[4]) {
  int32x4_t r[4];
  DSNK_UNROLL for (int j = 0; j < 4; j++) r[j] = roundBytes(toF32(I32{t[j]}) * F32::load(u.multipliers + 4 * j)).v;
  return vreinterpretq_u8_u32(bytesOf(r[0], r[1], r[2], r[3], range));
}
DSNK_INLINE void storePixel(const IntegerEnding& e, const DepthwiseRow& u, int64_t pixel, uint8x16_t bytes) {
  uint8_t* y = reinterpret_cast<uint8_t*>(e.y) + pixel * e.ldc;
  if (u.n == 16) {
    vst1q_u8(y, bytes);
  } else {
    uint8_t some[16];
    vst1q_u8(some, bytes);
    copyBytes<false>(some, u.n, y);
  }
}

template <Taps how>
DSNK_INLINE void finishPixel(const IntegerEnding& e, const DepthwiseRow& u, const ByteRange& range, int64_t pixel,
                             const int32x4_t (&t)[4]) {
  if constexpr (how == Taps::careful) {
    float sums[16];
    DSNK_UNROLL for (int j = 0; j < 4; j++) vst1q_f32(sums + 4 * j, vreinterpretq_f32_s32(t[j]));
    e.at(pixel, 0).finishRows(sums, 16, 1, u.n, /*biased=*/true);
    return;
  }
  storePixel(e, u, pixel, bytesOfPixel(u, range, t));
}

// The sums of a square window, of which x(tap) gives the bytes.
template <int Side, Taps how, class X>
DSNK_INLINE void sumSquare(const DepthwiseRow& u, int32x4_t (&t)[4], X x) {
  DSNK_UNROLL for (int j = 0; j < 4; j++) t[j] = vld1q_s32(u.bias + 4 * j);
  const auto w = [&](int tap) __attribute__((always_inline)) { return vld1q_s8(u.weights + 16 * tap); };
  DSNK_UNROLL for (int tap = 0; tap + 1 < Side * Side; tap += 2) {
    addTaps<how>(t, x(tap), w(tap), x(tap + 1), w(tap + 1));
  }
  addTap(t, x(Side * Side - 1), w(Side * Side - 1));
}

// Outputs [o, end) in pairs, whose windows lie inside, those of the first at `at`. Neighbours are one column apart: what
// both see is loaded once.
template <int Side, Taps how, bool neighbours>
DSNK_INLINE void insideStrip(const DepthwiseRow& u, const IntegerEnding& e, const uint8_t* (&at)[Side], int64_t step,
                             int64_t reach, int64_t& o, int64_t end) {
  const ByteRange range = e.range;
  const auto load = [&](int tap, int64_t further) __attribute__((always_inline)) {
    const uint8_t* from = at[tap / Side];
    return loadChannels<how>(
        neighbours ? from + (tap % Side + further) * step : from + tap % Side * step + further * reach, 16);
  };
  const auto first = [&](int tap) __attribute__((always_inline)) { return load(tap, 0); };
  const auto second = [&](int tap) __attribute__((always_inline)) { return load(tap, 1); };
  for (; o + 2 <= end; o += 2) {
    int32x4_t t[4], next[4];
    sumSquare<Side, how>(u, t, first);
    sumSquare<Side, how>(u, next, second);
    const uint8x16_t bytes = bytesOfPixel(u, range, t), following = bytesOfPixel(u, range, next);
    storePixel(e, u, o, bytes);
    storePixel(e, u, o + 1, following);
    DSNK_UNROLL for (int i = 0; i < Side; i++) at[i] += 2 * reach;
  }
  if (o < end) {
    int32x4_t t[4];
    sumSquare<Side, how>(u, t, first);
    finishPixel<how>(e, u, range, o, t);
    o++;
  }
}

// Side: that of a square window, or 0 for any.
template <int Side, Taps how>
__attribute__((noinline)) static void depthwiseRow(const DepthwiseBytesParams& params, const DepthwiseRow& row,
                                                   const IntegerEnding& e) {
  const DepthwiseBytesParams p = params;
  const DepthwiseRow u = row;
  const ByteRange range = e.range;
  const int64_t channels = p.channels, inRow = p.inSize[1] * channels, step = p.dilations[1] * channels;
  const int64_t stride = p.strides[1], pad = p.pads[1], outWidth = p.outSize[1];
  const auto line = [&](int64_t kh) __attribute__((always_inline)) {
    const int64_t h = u.firstH + kh * p.dilations[0];
    return h >= 0 && h < p.inSize[0] ? u.image + h * inRow : u.padding;
  };
  const auto pixel = [&](const uint8_t* from, int64_t at) __attribute__((always_inline)) {
    return loadChannels<how>(at >= 0 && at < p.inSize[1] ? from + at * channels : u.padding, u.n);
  };
  int64_t o = 0;
  if constexpr (Side > 0) {
    const uint8_t* rows[Side];
    DSNK_UNROLL for (int i = 0; i < Side; i++) rows[i] = line(i);
    const auto border = [&](int64_t end) __attribute__((always_inline)) {
      for (; o < end; o++) {
        int32x4_t t[4];
        sumSquare<Side, how>(u, t, [&](int tap) __attribute__((always_inline)) {
          return pixel(rows[tap / Side], o * stride - pad + int64_t{tap % Side} * p.dilations[1]);
        });
        finishPixel<how>(e, u, range, o, t);
      }
    };
    // Outputs [first, end) see columns inside only.
    const int64_t first = ceilDiv(pad < 0 ? 0 : pad, stride);
    const int64_t last = p.inSize[1] - 1 - int64_t{Side - 1} * p.dilations[1] + pad;
    const int64_t end = last < 0 ? 0 : last / stride + 1 < outWidth ? last / stride + 1 : outWidth;
    if constexpr (how != Taps::careful) {
      if (first < end) {
        border(first);
        const uint8_t* at[Side];
        DSNK_UNROLL for (int i = 0; i < Side; i++) at[i] = rows[i] + (o * stride - pad) * channels;
        const int64_t reach = stride * channels;
        if (step == reach) {
          insideStrip<Side, how, true>(u, e, at, step, reach, o, end);
        } else {
          insideStrip<Side, how, false>(u, e, at, step, reach, o, end);
        }
      }
    }
    border(outWidth);
  } else {
    for (; o < outWidth; o++) {
      const int64_t firstW = o * stride - pad;
      int32x4_t t[4];
      DSNK_UNROLL for (int j = 0; j < 4; j++) t[j] = vld1q_s32(u.bias + 4 * j);
      const int8_t* w = u.weights;
      for (int64_t kh = 0; kh < p.kernel[0]; kh++) {
        const uint8_t* from = line(kh);
        int64_t at = firstW, kw = 0;
        for (; kw + 2 <= p.kernel[1]; kw += 2, w += 32, at += 2 * p.dilations[1]) {
          addTaps<how>(t, pixel(from, at), vld1q_s8(w), pixel(from, at + p.dilations[1]), vld1q_s8(w + 16));
        }
        if (kw == p.kernel[1]) continue;
        addTap(t, pixel(from, at), vld1q_s8(w));
        w += 16;
      }
      finishPixel<how>(e, u, range, o, t);
    }
  }
}

template <int Side>
static void depthwiseRowOf(const DepthwiseBytesParams& p, const DepthwiseRow& u, const IntegerEnding& e, Taps how) {
  switch (how) {
    case Taps::paired: return depthwiseRow<Side, Taps::paired>(p, u, e);
    case Taps::single: return depthwiseRow<Side, Taps::single>(p, u, e);
    default: return depthwiseRow<Side, Taps::careful>(p, u, e);
  }
}

static Fault integerDepthwise(const Work& w) {
  DepthwiseBytesParams p = w.as<DepthwiseBytesParams>();
  const int64_t inRow = depthwiseRowBytes(p);
  if (inRow == 0) p.inSize[1] = 0;  // where there are no rows, no column is inside
  constexpr int64_t nr = 16;
  const DepthwiseGroups groups(p, 1);
  const int64_t blocks = ceilDiv(p.channels, nr), bands = ceilDiv(p.outSize[0], kDepthwiseRows);
  const int64_t taps = int64_t{p.kernel[0]} * p.kernel[1];
  const int64_t inImage = p.inSize[0] * inRow;
  const bool square = p.kernel[0] == p.kernel[1];
  auto* padding = reinterpret_cast<uint8_t*>(w.scratch);
  std::memset(padding, p.padding, static_cast<size_t>(inRow + 64));
  IntegerEnding ending(p, w);
  ending.residualRow = p.channels;
  const Range units = tileRange(depthwiseUnits(p, nr), w.tile, w.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t block = unit % blocks, band = unit / blocks, image = band / bands, channel = block * nr;
    const int64_t first = band % bands * kDepthwiseRows, left = p.outSize[0] - first;
    const int64_t end = left < kDepthwiseRows ? p.outSize[0] : first + kDepthwiseRows;
    const auto n = static_cast<int>(p.channels - channel < nr ? p.channels - channel : nr);
    const std::byte* packed = w.at<const std::byte>(2) + block * groups.blockBytes(nr);
    DepthwiseRow u{w.at<const uint8_t>(1) + image * inImage + channel,
                   padding,
                   reinterpret_cast<const int8_t*>(packed) + 8 * nr,
                   reinterpret_cast<const int32_t*>(packed),
                   reinterpret_cast<const float*>(packed) + nr,
                   0,
                   n};
    uint8x16_t least = vdupq_n_u8(0);
    for (int64_t t = 0; t < taps; t++)
      least = vorrq_u8(least, vceqq_s8(vld1q_s8(u.weights + nr * t), vdupq_n_s8(-128)));
    const uint64x2_t found = vreinterpretq_u64_u8(least);
    const bool any = (vgetq_lane_u64(found, 0) | vgetq_lane_u64(found, 1)) != 0;
    for (int64_t oh = first; oh < end; oh++) {
      u.firstH = oh * p.strides[0] - p.pads[0];
      const int64_t lastH = u.firstH + int64_t{p.kernel[0] - 1} * p.dilations[0];
      const int64_t seen = lastH < p.inSize[0] ? lastH + 1 : p.inSize[0];
      const bool careful = n < nr && image * inImage + seen * inRow + nr - 1 > p.batch * inImage;
      const bool plain = ending.output == IntegerOutput::u8 && ending.residual == nullptr;
      const Taps how = careful || !plain ? Taps::careful : any ? Taps::single : Taps::paired;
      const IntegerEnding e = ending.at((image * p.outSize[0] + oh) * p.outSize[1], channel);
      if (square && p.kernel[0] == 3) {
        depthwiseRowOf<3>(p, u, e, how);
      } else if (square && p.kernel[0] == 5) {
        depthwiseRowOf<5>(p, u, e, how);
      } else {
        depthwiseRowOf<0>(p, u, e, how);
      }
    }
  }
  return Fault::none;
}
