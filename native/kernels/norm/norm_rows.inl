// Included by norm_rows_f32_<isa>.cc inside that ISA's region, after fold.inl and sweep.inl.

// y = (x - shift)·inverse·scale + bias over one run of elements; scale and bias per element or for the whole run.
static void scaleElements(const float* x, float* y, int64_t n, float shift, float inverse, const float* scale,
                          const float* bias) {
  const F32 m = F32::set(shift), r = F32::set(inverse);
  eachVector(n, [&](int64_t i, int lanes) {
    F32 v = (loadSome(x + i, lanes) - m) * r;
    if (scale) v = v * loadSome(scale + i, lanes);
    if (bias) v = v + loadSome(bias + i, lanes);
    storeSome(v, y + i, lanes);
  });
}
static void scaleRun(const float* x, float* y, int64_t n, float shift, float inverse, float scale, float bias) {
  const F32 m = F32::set(shift), r = F32::set(inverse), s = F32::set(scale), b = F32::set(bias);
  eachVector(n, [&](int64_t i, int lanes) { storeSome((loadSome(x + i, lanes) - m) * r * s + b, y + i, lanes); });
}

// Rows are taken a few at a time, sweep by sweep: what one row waits for, sums across lanes, a root and a division, is
// then hidden behind the other rows. Together they stay within half of L1.
constexpr int kNormGroup = 8;
constexpr int64_t kNormGroupFloats = 4096;

static Fault normRows(const Work& w) {
  const auto& p = w.as<NormRowsParams>();
  const bool rms = static_cast<RowNorm>(p.kind) == RowNorm::rms;
  const Range part = tileRange(p.rows, w.tile, w.tiles);
  float *meanOut = w.at<float>(1), *inverseOut = w.at<float>(2), *sum = w.at<float>(3);
  const float *skip = w.at<float>(5), *skipBias = w.at<float>(6), *scale = w.at<float>(7), *bias = w.at<float>(8);
  const int64_t segments = p.n / p.segment;
  const auto n = static_cast<double>(p.n);
  const int64_t most = kNormGroupFloats / p.n, group = most < 1 ? 1 : most < kNormGroup ? most : kNormGroup;
  for (int64_t row0 = part.begin; row0 < part.end; row0 += group) {
    const auto rows = static_cast<int>(part.end - row0 < group ? part.end - row0 : group);
    const float* s = w.at<float>(4) + row0 * p.n;
    float* y = w.at<float>(0) + row0 * p.n;
    if (skip || skipBias || sum) {
      float* to = sum ? sum + row0 * p.n : y;
      for (int r = 0; r < rows; r++) {
        const float* x = s + r * p.n;
        const float* other = skip ? skip + ((row0 + r) % p.skipRows) * p.n : nullptr;
        eachVector(p.n, [&](int64_t i, int lanes) {
          F32 v = loadSome(x + i, lanes);
          if (other) v = v + loadSome(other + i, lanes);
          if (skipBias) v = v + loadSome(skipBias + i, lanes);
          storeSome(v, to + r * p.n + i, lanes);
        });
      }
      s = to;
    }
    float mean[kNormGroup] = {}, inverse[kNormGroup];
    for (int r = 0; r < rows && !rms; r++) mean[r] = static_cast<float>(foldRow(0.0, s + r * p.n, p.n, SumFold()) / n);
    for (int r = 0; r < rows; r++) {
      const float* x = s + r * p.n;
      const double square = (rms ? foldRow(0.0, x, p.n, PowerFold()) : foldRow(0.0, x, p.n, SquareFold(mean[r]))) / n;
      inverse[r] = static_cast<float>(1 / ::sqrt(square + static_cast<double>(p.epsilon)));
      if (meanOut) meanOut[row0 + r] = mean[r];
      if (inverseOut) inverseOut[row0 + r] = inverse[r];
    }
    for (int r = 0; r < rows; r++) {
      const float* x = s + r * p.n;
      float* to = y + r * p.n;
      const int64_t first = ((row0 + r) % p.period) * segments;
      if (p.segment == 1 || (!scale && !bias)) {
        scaleElements(x, to, p.n, mean[r], inverse[r], scale ? scale + first : nullptr, bias ? bias + first : nullptr);
        continue;
      }
      for (int64_t i = 0; i < segments; i++) {
        scaleRun(x + i * p.segment, to + i * p.segment, p.segment, mean[r], inverse[r], scale ? scale[first + i] : 1.0f,
                 bias ? bias[first + i] : 0.0f);
      }
    }
  }
  return Fault::none;
}
