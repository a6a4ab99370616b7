// Computes  y[o,j,l,c] = Σt wW[t,l] · Σs wH[s,j] · x[o, startH[j]+s, startW[l]+t, c]
// Shapes    y: f32 [outer, outH, outW, inner]; x: f32 [outer, inH, inW, inner]; start: i32 [out]; w: f32 [taps, out]
// Numerics  float32, taps in ascending order, columns (H) first; fused multiply-add on every row but scalar
// Tiling    one output row a unit. Its columns are combined once into a row of [inW, chunk] in scratch (L1), from which
//           the outputs are combined along W: (inW·tapsH + outW·tapsW)·inner operations instead of
//           outW·tapsH·tapsW·inner
// Packing   none; weights stand tap by tap, so that planar images (inner 1) load those of neighbouring outputs at once
// Source    separable filtering, as every image library has it; one fused pass instead of one tensor per axis

// to[i] = Σt w[t·wStride] · from[t·stride + i], i < n
template <int kTaps>
static inline void combineFixed(float* to, const float* from, int64_t stride, int64_t n, const float* w,
                                int64_t wStride) {
  F32 weight[kTaps];
  for (int t = 0; t < kTaps; t++) weight[t] = F32::set(w[t * wStride]);
  int64_t i = 0;
  for (; i + F32::lanes <= n; i += F32::lanes) {
    F32 sum = weight[0] * F32::load(from + i);
    for (int t = 1; t < kTaps; t++) sum = fma(weight[t], F32::load(from + t * stride + i), sum);
    sum.store(to + i);
  }
  if (i < n) {
    const int left = static_cast<int>(n - i);
    F32 sum = weight[0] * F32::loadFirst(from + i, left);
    for (int t = 1; t < kTaps; t++) sum = fma(weight[t], F32::loadFirst(from + t * stride + i, left), sum);
    sum.storeFirst(to + i, left);
  }
}

static inline void combineMany(float* to, const float* from, int64_t stride, int64_t n, const float* w, int64_t wStride,
                               int32_t taps) {
  for (int64_t i = 0; i < n; i += F32::lanes) {
    const int left = n - i < F32::lanes ? static_cast<int>(n - i) : F32::lanes;
    F32 sum = F32::set(w[0]) * F32::loadFirst(from + i, left);
    for (int32_t t = 1; t < taps; t++) {
      sum = fma(F32::set(w[t * wStride]), F32::loadFirst(from + t * stride + i, left), sum);
    }
    sum.storeFirst(to + i, left);
  }
}

static inline void combine(float* to, const float* from, int64_t stride, int64_t n, const float* w, int64_t wStride,
                           int32_t taps) {
  switch (taps) {
    case 1: return combineFixed<1>(to, from, stride, n, w, wStride);
    case 2: return combineFixed<2>(to, from, stride, n, w, wStride);
    case 4: return combineFixed<4>(to, from, stride, n, w, wStride);
    default: return combineMany(to, from, stride, n, w, wStride, taps);
  }
}

static inline void fill(float* to, int64_t n, float value) {
  for (int64_t i = 0; i < n; i++) to[i] = value;
}

// One planar output row: neighbouring outputs fill a vector.
static inline void gatherRow(float* to, const float* from, int64_t n, const int32_t* start, const float* w,
                             int32_t taps) {
  for (int64_t i = 0; i < n; i += F32::lanes) {
    const int left = n - i < F32::lanes ? static_cast<int>(n - i) : F32::lanes;
    const I32 at = I32::loadFirst(start + i, left);
    F32 sum = F32::loadFirst(w + i, left) * gather(from, at);
    for (int32_t t = 1; t < taps; t++) sum = fma(F32::loadFirst(w + t * n + i, left), gather(from + t, at), sum);
    sum.storeFirst(to + i, left);
  }
}

static Fault resizeF32(const Work& work) {
  const auto& p = work.as<ResizeParams>();
  const int32_t* const startH = work.at<const int32_t>(2);
  const float* const weightH = work.at<const float>(3);
  const int32_t* const startW = work.at<const int32_t>(4);
  const float* const weightW = work.at<const float>(5);
  const bool extrapolate = p.extrapolate != 0;
  if (p.tapsW > 0 && !startsInside(startW, 0, p.outW, p.inW - p.tapsW, extrapolate)) return Fault::indexOutOfRange;

  const int64_t rowIn = p.inW * p.inner, rowOut = p.outW * p.inner;
  const int64_t chunk = p.tapsH > 0 && p.tapsW > 0 ? resizeChunk(p) : p.inner;
  float* const columns = reinterpret_cast<float*>(work.scratch);
  const Range rows = tileRange(p.outer * p.outH, work.tile, work.tiles);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const int64_t o = r / p.outH, j = r % p.outH;
    float* const y = work.at<float>(0) + r * rowOut;
    int64_t row = j;
    if (p.tapsH > 0) {
      if (!startsInside(startH, j, j + 1, p.inH - p.tapsH, extrapolate)) return Fault::indexOutOfRange;
      row = startH[j];
      if (row < 0) {
        fill(y, rowOut, p.value);
        continue;
      }
    }
    const float* const x = work.at<const float>(1) + (o * p.inH + row) * rowIn;
    if (p.tapsW == 0) {
      if (p.tapsH == 0)
        combineFixed<1>(y, x, 0, rowOut, kOne, 0);
      else
        combine(y, x, rowIn, rowOut, weightH + j, p.outH, p.tapsH);
      continue;
    }
    for (int64_t c = 0; c < p.inner; c += chunk) {
      const int64_t n = c + chunk < p.inner ? chunk : p.inner - c;
      const float* from = x;
      if (p.tapsH > 0) {
        if (n == p.inner) {
          combine(columns, x, rowIn, rowIn, weightH + j, p.outH, p.tapsH);
        } else {
          for (int64_t i = 0; i < p.inW; i++) {
            combine(columns + i * n, x + i * p.inner + c, rowIn, n, weightH + j, p.outH, p.tapsH);
          }
        }
        from = columns;
      }
      if (p.inner == 1 && !extrapolate) {
        gatherRow(y, from, p.outW, startW, weightW, p.tapsW);
        continue;
      }
      for (int64_t l = 0; l < p.outW; l++) {
        if (startW[l] < 0)
          fill(y + l * p.inner + c, n, p.value);
        else
          combine(y + l * p.inner + c, from + startW[l] * n, n, n, weightW + l, p.outW, p.tapsW);
      }
    }
  }
  return Fault::none;
}
