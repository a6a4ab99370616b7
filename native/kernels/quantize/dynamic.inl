// dynamic_quantize over vectors: the range of all elements, then each of them. Comparisons with NaN are false, so NaN is no part of the
// range; what is no number afterwards becomes the zero point.
DSNK_INLINE F32 wholeOr(F32 quotient, F32 zero) {
  const F32 v = roundEven(quotient) + zero;
  return select(isNan(v), zero, v);
}

inline Fault dynamicQuantize(const Work& w) {
  constexpr int kSums = 4;  // minima and maxima take a compare and a blend each: four of both hide their latency
  constexpr int64_t kStep = kSums * F32::lanes;
  const int64_t n = w.as<DynamicQuantizeParams>().count;
  const float* const x = w.at<const float>(3);
  F32 low[kSums], high[kSums];
  for (int k = 0; k < kSums; k++) low[k] = high[k] = F32::zero();
  int64_t i = 0;
  const auto widen = [&](int k, F32 v) __attribute__((always_inline)) {
    low[k] = select(less(v, low[k]), v, low[k]);
    high[k] = select(less(high[k], v), v, high[k]);
  };
  for (; i + kStep <= n; i += kStep) {
#pragma GCC unroll 4
    for (int k = 0; k < kSums; k++) widen(k, F32::load(x + i + k * F32::lanes));
  }
  for (; i + F32::lanes <= n; i += F32::lanes) widen(0, F32::load(x + i));
  // Zeros behind the end are no extremes.
  if (i < n) widen(0, F32::loadFirst(x + i, static_cast<int>(n - i)));
  for (int k = 1; k < kSums; k++) {
    widen(0, low[k]);
    widen(0, high[k]);
  }
  const float least = smallest(low[0]);
  float scale = (largest(high[0]) - least) / 255.0f;
  if (scale == 0) scale = 1;
  const F32 divisor = F32::set(scale);
  uint8_t bytes[F32::lanes];
  storeByte(wholeOr(F32::set(-least) / divisor, F32::zero()), bytes);
  const F32 zero = F32::set(static_cast<float>(bytes[0]));
  *w.at<float>(1) = scale;
  *w.at<uint8_t>(2) = bytes[0];
  uint8_t* const y = w.at<uint8_t>(0);
  for (i = 0; i + F32::lanes <= n; i += F32::lanes) storeByte(wholeOr(F32::load(x + i) / divisor, zero), y + i);
  if (i == n) return Fault::none;
  storeByte(wholeOr(F32::loadFirst(x + i, static_cast<int>(n - i)) / divisor, zero), bytes);
  for (int k = 0; i < n; i++, k++) y[i] = bytes[k];
  return Fault::none;
}
