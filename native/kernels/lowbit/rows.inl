// Computes  per row i and group g of x: t = max|x|/127, q[k] = clamp(rne(x[k]·(127/max|x|))), S = Σ q
// Shapes    q: i8 [M, ⌈K/16⌉·16], zeros behind K; t: f32, S: i32 [M, ⌈K/group⌉]; x: f32 [M,K]
// Numerics  each quotient and product rounds once: the same bits on every ISA. Groups whose largest magnitude is below 2^-100 are zeros of
//           scale 0; those with a NaN or an infinity have the scale NaN
// Tiling    rows
// Packing   none
// Source    none
// Needs: largestBits(a, b): of integers.

static void quantizeGroup(const float* x, int64_t n, int8_t* q, float& scale, int32_t& total) {
  // Bits of magnitudes are in the order of the magnitudes, with infinity and NaN on top.
  const I32 magnitude = I32::set(0x7fffffff);
  I32 most = I32::set(0);
  int64_t i = 0;
  for (; i + F32::lanes <= n; i += F32::lanes) most = largestBits(most, bitsOf(F32::load(x + i)) & magnitude);
  if (i < n) most = largestBits(most, bitsOf(F32::loadFirst(x + i, static_cast<int>(n - i))) & magnitude);
  int32_t each[I32::lanes], top = 0;
  most.store(each);
  for (int l = 0; l < I32::lanes; l++) top = each[l] > top ? each[l] : top;
  float largest;
  std::memcpy(&largest, &top, 4);
  total = 0;
  const bool finite = top < 0x7f800000;
  if (!finite || largest < 0x1p-100f) {
    scale = finite ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    std::memset(q, 0, static_cast<size_t>(n));
    return;
  }
  scale = largest / 127.0f;
  const F32 inverse = F32::set(127.0f / largest);
  F32 sums = F32::zero();
  for (i = 0; i + F32::lanes <= n; i += F32::lanes) {
    const F32 whole = roundEven(F32::load(x + i) * inverse);
    storeSignedByte(whole, q + i);
    sums = sums + whole;
  }
  if (i < n) {
    const F32 whole = roundEven(F32::loadFirst(x + i, static_cast<int>(n - i)) * inverse);
    int8_t bytes[F32::lanes];
    storeSignedByte(whole, bytes);
    std::memcpy(q + i, bytes, static_cast<size_t>(n - i));
    sums = sums + whole;
  }
  total = static_cast<int32_t>(sum(sums));  // integers below 2^24
}

static Fault lowBitQuantize(const Work& w) {
  const auto& p = w.as<LowBitQuantizeParams>();
  const int64_t kPadded = roundUp(p.k, kLowBitUnit), groups = ceilDiv(p.k, p.group);
  const Range rows = tileRange(p.m, w.tile, w.tiles);
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const float* x = w.at<const float>(3) + row * p.k;
    int8_t* q = w.at<int8_t>(0) + row * kPadded;
    for (int64_t g = 0; g < groups; g++) {
      const int64_t k0 = g * p.group, n = p.k - k0 < p.group ? p.k - k0 : p.group, at = row * groups + g;
      quantizeGroup(x + k0, n, q + k0, w.at<float>(1)[at], w.at<int32_t>(2)[at]);
    }
    for (int64_t k = p.k; k < kPadded; k++) q[k] = 0;
  }
  return Fault::none;
}
