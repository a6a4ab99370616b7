// Rows oh and, where there are two, oh + 1 of an image for one part of the channels.
static void runUnit(const Work& work, const RowFunctions& special, int64_t image, int64_t oh, int64_t rows,
                    int64_t part) {
  const auto& p = work.as<DepthwiseParams>();
  const int64_t c = part * kDepthwiseChannels, row = image * p.outSize[0] + oh;
  const float* bias = work.at<const float>(3);
  const float* residual = work.at<const float>(4);
  const int64_t startH = oh * p.strides[0] - p.pads[0];
  // Two rows are only made together without dilation.
  const int64_t window = p.kernel[0] + (rows - 1) * p.strides[0];
  const Range tapsH = tapsInside(startH, p.dilations[0], window, p.inSize[0]);
  const bool blank = tapsH.begin == tapsH.end;  // the whole window lies in the padding: no address to form
  const int64_t rest = p.channels - c;
  const DepthwiseRow u{
      .x = work.at<const float>(1) + image * p.inSize[0] * p.inSize[1] * p.channels + c,
      .w = work.at<const float>(2) + c,
      .bias = bias ? bias + c : nullptr,
      .residual = residual ? residual + row * p.outSize[1] * p.channels + c : nullptr,
      .y = work.at<float>(0) + row * p.outSize[1] * p.ldc + c,
      .inRow = int64_t{p.inSize[1]} * p.channels,
      .inPixel = p.channels,
      .outPixel = p.ldc,
      .outRow = int64_t{p.outSize[1]} * p.ldc,
      .residualPixel = p.channels,
      .residualRow = int64_t{p.outSize[1]} * p.channels,
      .tapRow = int64_t{p.kernel[1]} * p.channels,
      .tapPixel = p.channels,
      .firstH = blank ? 0 : startH,
      .tapsH = blank ? Range{0, 0} : tapsH,
      .restartTap = kNoRestart,
      .restart = 0,
      .channels = rest < kDepthwiseChannels ? rest : kDepthwiseChannels,
      .clamp = Clamp(p.activation, p.alpha, p.beta),
      .activation = p.activation,
      .alpha = p.alpha,
      .beta = p.beta,
  };
  runDepthwiseRows(p, special, u, rows);
}

// All rows of a depthwise convolution.
static Fault runDepthwise(const Work& work) {
  const auto& p = work.as<DepthwiseParams>();
  const int64_t parts = ceilDiv(p.channels, kDepthwiseChannels);
  const RowFunctions special = rowsFor(p);
  const int64_t pairs = ceilDiv(p.outSize[0], 2), rows = p.batch * pairs;  // pairs of rows of all images
  const bool byChannels = int64_t{p.batch} * p.outSize[0] * p.outSize[1] <= kDepthwiseFewPixels;
  const Range units = tileRange(depthwiseUnits(p), work.tile, work.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t part = byChannels ? unit / rows : unit % parts, row = byChannels ? unit % rows : unit / parts;
    const int64_t image = row / pairs, first = row % pairs * 2;
    const int64_t left = p.outSize[0] - first, both = left < 2 ? left : 2;
    const int64_t together = special.two != nullptr ? both : 1;
    for (int64_t oh = first; oh < first + both; oh += together) runUnit(work, special, image, oh, together, part);
  }
  return Fault::none;
}
