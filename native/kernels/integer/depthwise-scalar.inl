// depthwise.inl in plain C++: the definition. Blocks of 16 channels in natural order, one tap at a time.

static Fault integerDepthwise(const Work& w) {
  const auto& p = w.as<DepthwiseBytesParams>();
  constexpr int64_t nr = 16;
  const DepthwiseGroups groups(p, 1);
  const int64_t blocks = ceilDiv(p.channels, nr), bands = ceilDiv(p.outSize[0], kDepthwiseRows);
  IntegerEnding ending(p, w);
  ending.residualRow = p.channels;
  const Range units = tileRange(depthwiseUnits(p, nr), w.tile, w.tiles);
  for (int64_t unit = units.begin; unit < units.end; unit++) {
    const int64_t block = unit % blocks, band = unit / blocks, image = band / bands;
    const int64_t first = band % bands * kDepthwiseRows, left = p.outSize[0] - first, channel = block * nr;
    const int64_t end = left < kDepthwiseRows ? p.outSize[0] : first + kDepthwiseRows;
    const int64_t n = p.channels - channel < nr ? p.channels - channel : nr;
    const auto* packed = w.at<const int8_t>(2) + block * groups.blockBytes(nr) + 8 * nr;
    for (int64_t pixel = first * p.outSize[1]; pixel < end * p.outSize[1]; pixel++) {
      const int64_t firstH = pixel / p.outSize[1] * p.strides[0] - p.pads[0];
      const int64_t firstW = pixel % p.outSize[1] * p.strides[1] - p.pads[1];
      uint32_t sums[nr];
      for (int64_t c = 0; c < n; c++) sums[c] = static_cast<uint32_t>(w.at<const int32_t>(3)[channel + c]);
      const int8_t* weights = packed;
      for (int64_t kh = 0; kh < p.kernel[0]; kh++) {
        for (int64_t kw = 0; kw < p.kernel[1]; kw++, weights += nr) {
          const int64_t h = firstH + kh * p.dilations[0], at = firstW + kw * p.dilations[1];
          const bool inside = h >= 0 && h < p.inSize[0] && at >= 0 && at < p.inSize[1];
          const uint8_t* x = w.at<const uint8_t>(1);
          if (inside) x += ((image * p.inSize[0] + h) * p.inSize[1] + at) * p.channels + channel;
          for (int64_t c = 0; c < n; c++) {
            const int x0 = inside ? x[c] : p.padding;
            sums[c] += static_cast<uint32_t>(x0 * weights[c]);
          }
        }
      }
      float bits[nr];
      std::memcpy(bits, sums, sizeof bits);
      ending.at(image * p.outSize[0] * p.outSize[1] + pixel, channel).finishRows(bits, nr, 1, n, /*biased=*/true);
    }
  }
  return Fault::none;
}
