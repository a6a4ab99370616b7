// Computes  e = act(x · expanding weights + bias); d[n,o,h] = act(bias[h] + Σ_tap e[n, o·stride - pad + tap, h] ·
//           w[tap,h]); y = act(d · projecting weights + bias + residual); without the first stage e is x, without the
//           last y is d
// Shapes    y [N,OH,OW,M], pixels ldc apart; x [N,H,W,C]; weights of the 1x1 stages packed (gemm/pack_b.cc), depthwise
//           weights [kH·kW,hidden]; biases [hidden], [hidden], [M]; residual as y, dense
// Numerics  those of conv and depthwise: every element is the same chain of fma, so the result is bit-equal to the
//           stages one by one, whatever the bands and tiles
// Tiling    a tile is a range of output rows, walked in bands. Expanded rows stand in a ring of as many as one band
//           sees: only rows where two tiles meet are made twice. The band's depthwise rows follow in scratch, and the
//           last product writes y. Ring and band take half of L2 at most (lib/ops/inverted-residual.ts chooses the
//           rows). Measured on Zen 4, fraction of the fma probe on one and two threads: 32→16 @112 0.72, 0.70; 16→96→24
//           s2 @112 0.80, 0.78; 24→144→24 @56 0.86, 0.84; 32→192→32 @28 0.88, 0.86; 96→576→96 @14 0.93, 0.89. Inner
//           loops run at the probe; what is missing are starts and ends of sums (K = 16 at 112x112) and depthwise rows
//           out of L2. Depthwise strips of 7 columns over all rows of a band, to read each row from L2 once: no gain.
//           Pointers to rows with the tiles of conv (6x64, 8x48): the same time within 1 %.
// Packing   panels as in gemm/micro.inl
// Source    our own; the idea of a block in one pass over rows is that of MCUNetV2's patches, without their overlap
#include "kernels/depthwise/rows.inl"
#include "kernels/inverted-residual/pixels.inl"

// The three stages of one image, with the rows of the hidden tensors that are alive.
struct BandWalk {
  const InvertedResidualParams& p;
  const Work& work;
  const Bands bands{p};
  const DepthwiseParams middle{.batch = 1,
                               .channels = p.hidden,
                               .inSize = {p.inSize[0], p.inSize[1]},
                               .outSize = {p.outSize[0], p.outSize[1]},
                               .kernel = {p.kernel[0], p.kernel[1]},
                               .strides = {p.strides[0], p.strides[1]},
                               .pads = {p.pads[0], p.pads[1]},
                               .dilations = {1, 1},
                               .ldc = p.project ? p.hidden : p.ldc,
                               .activation = p.depthwiseActivation,
                               .alpha = p.depthwiseAlpha,
                               .beta = p.depthwiseBeta};
  const RowFunctions special = rowsFor(middle);
  float* const ring = reinterpret_cast<float*>(work.scratch);
  float* const band = ring + bands.ringFloats();

  // Expanded rows [from, to) of an image into their places of the ring.
  void expandRows(int64_t image, int64_t from, int64_t to) const {
    while (from < to) {
      const int64_t slot = from % bands.ringRows, room = bands.ringRows - slot;
      const int64_t rows = to - from < room ? to - from : room;
      const float* x = work.at<const float>(1) + (image * p.inSize[0] + from) * p.inSize[1] * p.channels;
      multiplyPixels({.x = x,
                      .depth = p.channels,
                      .packed = work.at<const float>(2),
                      .y = ring + slot * bands.ringRow,
                      .columns = p.hidden,
                      .ldc = p.hidden,
                      .bias = work.at<const float>(3),
                      .residual = nullptr,
                      .activation = p.expandActivation,
                      .alpha = p.expandAlpha,
                      .beta = p.expandBeta},
                     rows * p.inSize[1]);
      from += rows;
    }
  }

  // Depthwise row oh, or it and the next, for the channels from c on, to y.
  void depthwiseRows(int64_t image, int64_t oh, int64_t rows, int64_t c, int64_t channels, float* y) const {
    const float* bias = work.at<const float>(5);
    const float* residual = p.project ? nullptr : work.at<const float>(8);
    const int64_t start = oh * p.strides[0] - p.pads[0];
    Range taps = tapsInside(start, 1, p.kernel[0] + (rows - 1) * p.strides[0], p.inSize[0]);
    if (taps.begin == taps.end) taps = {0, 0};
    const int64_t first = start + taps.begin;  // input row of the first tap inside
    const int64_t slot = taps.end == 0 ? 0 : p.expand ? first % bands.ringRows : first;
    const float* x = p.expand ? ring : work.at<const float>(1) + image * p.inSize[0] * bands.ringRow;
    const DepthwiseRow u{
        .x = x + c,
        .w = work.at<const float>(4) + c,
        .bias = bias ? bias + c : nullptr,
        .residual = residual ? residual + (image * p.outSize[0] + oh) * p.outSize[1] * p.hidden + c : nullptr,
        .y = y + c,
        .inRow = bands.ringRow,
        .inPixel = p.hidden,
        .outPixel = middle.ldc,
        .outRow = int64_t{p.outSize[1]} * middle.ldc,
        .residualPixel = p.hidden,
        .residualRow = bands.bandRow,
        .tapRow = int64_t{p.kernel[1]} * p.hidden,
        .tapPixel = p.hidden,
        .firstH = slot - taps.begin,
        .tapsH = taps,
        .restartTap = p.expand ? taps.begin + bands.ringRows - slot : kNoRestart,
        .restart = bands.ringRows * bands.ringRow,
        .channels = channels,
        .clamp = Clamp(p.depthwiseActivation, p.depthwiseAlpha, p.depthwiseBeta),
        .activation = p.depthwiseActivation,
        .alpha = p.depthwiseAlpha,
        .beta = p.depthwiseBeta,
    };
    runDepthwiseRows(middle, special, u, rows);
  }

  // Output rows [from, to) of an image.
  void run(int64_t image, int64_t from, int64_t to) const {
    const int64_t count = ceilDiv(to - from, p.bandRows);
    const int64_t inRows = p.inSize[0];
    const auto inside = [&](int64_t row) { return row < 0 ? 0 : row > inRows ? inRows : row; };
    int64_t made = 0, begin = from;
    for (int64_t b = 0; b < count; b++) {
      const int64_t end = begin + (to - from) / count + (b < (to - from) % count);
      if (p.expand) {
        const int64_t first = inside(begin * p.strides[0] - p.pads[0]);
        const int64_t last = inside((end - 1) * p.strides[0] - p.pads[0] + p.kernel[0]);
        expandRows(image, made > first ? made : first, last);
        made = made > last ? made : last;
      }
      const int64_t pixel = (image * p.outSize[0] + begin) * p.outSize[1];
      float* y = work.at<float>(0) + pixel * p.ldc;
      for (int64_t c = 0; c < p.hidden; c += kDepthwiseChannels) {
        const int64_t rest = p.hidden - c;
        for (int64_t oh = begin, rows = 1; oh < end; oh += rows) {
          rows = special.two != nullptr && oh + 2 <= end ? 2 : 1;
          depthwiseRows(image, oh, rows, c, rest < kDepthwiseChannels ? rest : kDepthwiseChannels,
                        p.project ? band + (oh - begin) * bands.bandRow : y + (oh - begin) * p.outSize[1] * p.ldc);
        }
      }
      if (p.project) {
        const float* residual = work.at<const float>(8);
        multiplyPixels({.x = band,
                        .depth = p.hidden,
                        .packed = work.at<const float>(6),
                        .y = y,
                        .columns = p.outChannels,
                        .ldc = p.ldc,
                        .bias = work.at<const float>(7),
                        .residual = residual ? residual + pixel * p.outChannels : nullptr,
                        .activation = p.projectActivation,
                        .alpha = p.projectAlpha,
                        .beta = p.projectBeta},
                       (end - begin) * p.outSize[1]);
      }
      begin = end;
    }
  }
};

static Fault runInvertedResidual(const Work& work) {
  const auto& p = work.as<InvertedResidualParams>();
  const BandWalk walk{p, work};
  const Range rows = tileRange(int64_t{p.batch} * p.outSize[0], work.tile, work.tiles);
  for (int64_t row = rows.begin; row < rows.end;) {
    const int64_t image = row / p.outSize[0], from = row % p.outSize[0];
    const int64_t left = rows.end - row, to = from + left < p.outSize[0] ? from + left : p.outSize[0];
    walk.run(image, from, to);
    row += to - from;
  }
  return Fault::none;
}
