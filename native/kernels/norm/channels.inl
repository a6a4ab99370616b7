// Included by channels_f32_<isa>.cc inside that ISA's region, after fold.inl, strip.inl and sweep.inl.

// Σ(x - shift)², a shift per column.
struct SquareColumns : SumFold {
  const F32* shift;
  explicit SquareColumns(const F32* s) : shift(s) {}
  FOLD_INLINE F32 mapAt(F32 x, int v) const {
    const F32 d = x - shift[v];
    return d * d;
  }
};

static void storeMoments(const Work& w, int64_t c, float mean, float variance) {
  const float keep = w.as<MomentsParams>().momentum;
  w.at<float>(0)[c] = mean;
  w.at<float>(1)[c] = variance;
  if (w.at<float>(2)) w.at<float>(2)[c] = w.at<float>(5)[c] * keep + mean * (1.0f - keep);
  if (w.at<float>(3)) w.at<float>(3)[c] = w.at<float>(6)[c] * keep + variance * (1.0f - keep);
}

static void momentsOfStrip(const Work& w, int64_t c, int width) {
  constexpr int lanes = F32::lanes;
  const auto& p = w.as<MomentsParams>();
  const float* x = w.at<float>(4) + c;
  Loops rows;
  rows.add(p.outer, p.channels);
  Strip strip;
  F32 mean[kFoldVecs];
  alignas(64) float means[kReduceWide], variances[kReduceWide];
  const F32 n = F32::set(static_cast<float>(p.outer));
  sumStrip(rows, x, width, Uniform<SumFold>(), strip);
  for (int v = 0; v < kFoldVecs; v++) {
    mean[v] = (strip.total[v] + strip.lost[v]) / n;
    mean[v].store(means + v * lanes);
  }
  sumStrip(rows, x, width, SquareColumns(mean), strip);
  for (int v = 0; v < kFoldVecs; v++) ((strip.total[v] + strip.lost[v]) / n).store(variances + v * lanes);
  for (int i = 0; i < width; i++) storeMoments(w, c + i, means[i], variances[i]);
}

static void momentsOfChannel(const Work& w, int64_t c) {
  const auto& p = w.as<MomentsParams>();
  const float* x = w.at<float>(4) + c * p.inner;
  const auto n = static_cast<double>(p.outer) * static_cast<double>(p.inner);
  double total = 0;
  for (int64_t o = 0; o < p.outer; o++) total = foldRow(total, x + o * p.channels * p.inner, p.inner, SumFold());
  const auto mean = static_cast<float>(total / n);
  const SquareFold square(mean);
  total = 0;
  for (int64_t o = 0; o < p.outer; o++) total = foldRow(total, x + o * p.channels * p.inner, p.inner, square);
  storeMoments(w, c, mean, static_cast<float>(total / n));
}

static Fault moments(const Work& w) {
  const auto& p = w.as<MomentsParams>();
  if (p.inner == 1) {
    const Range part = tileRange(ceilDiv(p.channels, 64), w.tile, w.tiles);
    for (int64_t s = part.begin; s < part.end; s++) {
      momentsOfStrip(w, s * 64, static_cast<int>(p.channels - s * 64 < 64 ? p.channels - s * 64 : 64));
    }
    return Fault::none;
  }
  const Range part = tileRange(p.channels, w.tile, w.tiles);
  for (int64_t c = part.begin; c < part.end; c++) momentsOfChannel(w, c);
  return Fault::none;
}

DSNK_INLINE F32 channelFactor(ChannelNorm kind, F32 variance, F32 epsilon) {
  return F32::set(1.0f) / (kind == ChannelNorm::batch ? sqrt(variance + epsilon) : sqrt(variance) + epsilon);
}

static Fault channelNorm(const Work& w) {
  const auto& p = w.as<ChannelNormParams>();
  const auto kind = static_cast<ChannelNorm>(p.kind);
  const F32 epsilon = F32::set(p.epsilon);
  const float *mean = w.at<float>(2), *variance = w.at<float>(3), *scale = w.at<float>(4), *bias = w.at<float>(5);
  if (p.inner == 1) {
    const Range part = tileRange(p.outer, w.tile, w.tiles);
    auto* factor = reinterpret_cast<float*>(w.scratch);
    eachVector(p.channels, [&](int64_t c, int lanes) {
      F32 f = channelFactor(kind, loadSome(variance + c, lanes), epsilon);
      if (scale) f = f * loadSome(scale + c, lanes);
      storeSome(f, factor + c, lanes);
    });
    for (int64_t o = part.begin; o < part.end; o++) {
      const float* x = w.at<float>(1) + o * p.channels;
      float* y = w.at<float>(0) + o * p.channels;
      eachVector(p.channels, [&](int64_t c, int lanes) {
        const F32 v = (loadSome(x + c, lanes) - loadSome(mean + c, lanes)) * loadSome(factor + c, lanes);
        storeSome(bias ? v + loadSome(bias + c, lanes) : v, y + c, lanes);
      });
    }
    return Fault::none;
  }
  const Range part = tileRange(p.outer * p.channels, w.tile, w.tiles);
  for (int64_t row = part.begin; row < part.end; row++) {
    const int64_t c = row % p.channels;
    const float* x = w.at<float>(1) + row * p.inner;
    float* y = w.at<float>(0) + row * p.inner;
    F32 f = channelFactor(kind, F32::set(variance[c]), epsilon);
    if (scale) f = f * F32::set(scale[c]);
    const F32 m = F32::set(mean[c]), b = F32::set(bias ? bias[c] : 0.0f);
    eachVector(p.inner, [&](int64_t i, int lanes) { storeSome((loadSome(x + i, lanes) - m) * f + b, y + i, lanes); });
  }
  return Fault::none;
}
