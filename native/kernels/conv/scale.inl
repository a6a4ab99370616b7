// Computes  y[panel][k][column] = w[panel][k][column] · scale[k]
// Shapes    y, w: packed weights of a convolution of one tap and one group (pack.cc); scale [depth]
// Numerics  one rounding
// Tiling    a unit is one k of all panels. It replaces a pass over the image that is as much longer as there are more
//           pixels than output channels: 144 channels of 56x56 took 30 µs, the weights of 24 outputs take 1 µs.
// Packing   as it comes
// Source    none

static Fault runConvScale(const Work& work) {
  const auto& p = work.as<ConvScaleParams>();
  const Panels panels(p.columns, F32::lanes, kVectors);
  const Range depth = tileRange(p.depth, work.tile, work.tiles);
  for (int64_t panel = 0; panel < panels.count; panel++) {
    const int64_t width = int64_t{panels.width(panel)} * F32::lanes;
    const int64_t start = panels.startVector(panel) * F32::lanes * p.depth;
    const float* w = work.at<const float>(1) + start;
    float* y = work.at<float>(0) + start;
    for (int64_t k = depth.begin; k < depth.end; k++) {
      const F32 scale = F32::set(work.at<const float>(2)[k]);
      for (int64_t j = 0; j < width; j += F32::lanes) (F32::load(w + k * width + j) * scale).store(y + k * width + j);
    }
  }
  return Fault::none;
}
