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

static Fault normRows(const Work& w) {
  const auto& p = w.as<NormRowsParams>();
  const bool rms = static_cast<RowNorm>(p.kind) == RowNorm::rms;
  const Range part = tileRange(p.rows, w.tile, w.tiles);
  float *meanOut = w.at<float>(1), *inverseOut = w.at<float>(2), *sum = w.at<float>(3);
  const float *skip = w.at<float>(5), *skipBias = w.at<float>(6), *scale = w.at<float>(7), *bias = w.at<float>(8);
  const int64_t segments = p.n / p.segment;
  for (int64_t row = part.begin; row < part.end; row++) {
    const float* x = w.at<float>(4) + row * p.n;
    float* y = w.at<float>(0) + row * p.n;
    if (skip || skipBias || sum) {
      float* s = sum ? sum + row * p.n : y;
      const float* other = skip ? skip + (row % p.skipRows) * p.n : nullptr;
      eachVector(p.n, [&](int64_t i, int lanes) {
        F32 v = loadSome(x + i, lanes);
        if (other) v = v + loadSome(other + i, lanes);
        if (skipBias) v = v + loadSome(skipBias + i, lanes);
        storeSome(v, s + i, lanes);
      });
      x = s;
    }
    const auto n = static_cast<double>(p.n);
    float mean = 0;
    if (!rms) mean = static_cast<float>(foldRow(0.0, x, p.n, SumFold()) / n);
    const double square = (rms ? foldRow(0.0, x, p.n, PowerFold()) : foldRow(0.0, x, p.n, SquareFold(mean))) / n;
    const auto inverse = static_cast<float>(1 / ::sqrt(square + static_cast<double>(p.epsilon)));
    if (meanOut) meanOut[row] = mean;
    if (inverseOut) inverseOut[row] = inverse;
    const int64_t first = (row % p.period) * segments;
    if (p.segment == 1 || (!scale && !bias)) {
      scaleElements(x, y, p.n, mean, inverse, scale ? scale + first : nullptr, bias ? bias + first : nullptr);
      continue;
    }
    for (int64_t s = 0; s < segments; s++) {
      scaleRun(x + s * p.segment, y + s * p.segment, p.segment, mean, inverse, scale ? scale[first + s] : 1.0f,
               bias ? bias[first + s] : 0.0f);
    }
  }
  return Fault::none;
}
