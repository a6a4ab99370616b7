// Computes  as product.inl: a convolution of one group over two dimensions, without dilation
// Shapes    y [N,OH,OW,M], pixels ldc apart; x [N,H,W,C] bytes; b: packed by integer_pack, each row of taps up to a whole
//           number of quads, or of sixteens where kr is 16; the others as ending.inl has them
// Numerics  as product.inl
// Tiling    rows of x are copied once, padding around them, for `kStripRows` rows of output; kMr neighbouring pixels of a
//           row times a panel then read their windows there: a row of taps is one run of bytes, and the windows of
//           neighbours lie stride·C bytes apart. Nothing is gathered: a byte is copied once and not once a tap, which
//           product.inl cannot make up for where few columns share a window. The last tile of a row moves back
//           onto the pixels before it. Measured on one Zen 4 core inside networks, microseconds best, before that gathered:
//           3→32 3x3 s2 @224 99 (285), 3→64 7x7 s2 @224 647 (1029), 64→64 3x3 @56 512 (587, 0.95 of the probe),
//           128→128 3x3 @28 504 (527, 0.97). ARM: the loops of lanes-dot.inl and sixteens-neon.inl, at their ceilings by
//           llvm-mca (8x12: 48.1 cycles on neoverse-n1, 4x4: 32.2 on Cortex-A72)
// Packing   product.inl, rows of taps apart
// Source    the layout of stem.inl

// Needs stripTile: strip-quads.inl, strip-lanes.inl or strip-sixteens.inl.

// Row h of image x as the windows see it, in the numbers E that the row multiplies, into `to`.
template <class E>
static void copyStripRow(const IntegerConvolutionParams& p, const ConvStrip& s, int padding, const uint8_t* image,
                         int64_t h, uint8_t* to) {
  if (h < 0 || h >= p.inSize[1]) {
    std::memset(to, padding, static_cast<size_t>(s.rowBytes));
    return;
  }
  const auto clip = [&](int64_t x) { return x < 0 ? 0 : x > s.pixels ? s.pixels : x; };
  const int64_t begin = clip(p.pads[2]), end = clip(int64_t{p.pads[2]} + p.inSize[2]), channels = p.channels;
  std::memset(to, padding, static_cast<size_t>(begin * channels));
  if (end > begin) {
    E::convert(image + (h * p.inSize[2] + begin - p.pads[2]) * channels, (end - begin) * channels,
               to + begin * channels);
  }
  std::memset(to + end * channels, padding, static_cast<size_t>(s.rowBytes - end * channels));
}

template <class E>
static Fault integerStrips(const Work& w, const IntegerRow& row) {
  const auto& p = w.as<IntegerConvolutionParams>();
  const ConvStrip s(p, row.kr);
  const int padding = takesSigned(row.isa) ? p.padding ^ kSignedZero : p.padding;
  const int64_t strips = ceilDiv(p.outSize[1], kStripRows), panels = ceilDiv(p.outChannels, kNr);
  const int64_t panelWords = integerHead(row.kr) / 4 + s.quads * p.kernel[1] * kNr,
                pixel = int64_t{p.strides[2]} * p.channels;
  auto* rows = reinterpret_cast<uint8_t*>(w.scratch);
  IntegerEnding ending(p, w);
  ending.residualRow = p.outChannels;
  const Range units = tileRange(p.batch * strips, w.tile, w.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t image = unit / strips, first = unit % strips * kStripRows;
    const int64_t end = first + kStripRows < p.outSize[1] ? first + kStripRows : p.outSize[1];
    const uint8_t* x = w.at<const uint8_t>(1) + image * p.inSize[1] * p.inSize[2] * p.channels;
    const int64_t firstH = first * p.strides[1] - p.pads[1];
    const int64_t seen = (end - first - 1) * p.strides[1] + p.kernel[1];
    for (int64_t i = 0; i < seen; i++) copyStripRow<E>(p, s, padding, x, firstH + i, rows + i * s.rowBytes);
    for (int64_t oh = first; oh < end; oh++) {
      const uint8_t* line = rows + (oh - first) * p.strides[1] * s.rowBytes;
      const int64_t y = (image * p.outSize[1] + oh) * p.outSize[2];
      for (int64_t panel = 0; panel < panels; panel++) {
        const int64_t n = panel * kNr;
        StripTile g{line, pixel, s.rowBytes, p.kernel[1], s.quads, w.at<const float>(2) + panel * panelWords, 0};
        g.columns = p.outChannels - n < kNr ? p.outChannels - n : kNr;
        const int64_t vectors = ceilDiv(g.columns, F32::lanes);
        for (int64_t o = 0; o < p.outSize[2]; o += kMr) {
          if (o + kMr > p.outSize[2]) o = p.outSize[2] - kMr;
          g.x = line + o * pixel;
          const IntegerEnding at = ending.at(y + o, n);
          if (vectors == 1) {
            stripTile<1>(g, at);
          } else if (kPanelVectors <= 2 || vectors == 2) {
            stripTile<kPanelVectors == 1 ? 1 : 2>(g, at);
          } else if constexpr (kPanelVectors == 3) {
            stripTile<3>(g, at);
          } else if constexpr (kPanelVectors == 4) {
            vectors == 3 ? stripTile<3>(g, at) : stripTile<4>(g, at);
          }
        }
      }
    }
  }
  return Fault::none;
}
