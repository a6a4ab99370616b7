// From scores to weights: masks, and the softmax in one pass over blocks of keys, as in attention.inl.

// What the mask says about the scores of one row and block.
struct MaskRow {
  AttentionMask kind;
  const float* add;
  const uint8_t* keep;
  int64_t column;
  float fill;
};

static void maskRow(float* s, int64_t n, const MaskRow& m) {
  if (m.kind == AttentionMask::add) {
    if (m.column == 0) {
      const F32 x = F32::set(*m.add);
      for (int64_t j = 0; j < n; j += F32::lanes) (F32::load(s + j) + x).store(s + j);
      return;
    }
    int64_t j = 0;
    for (; j + F32::lanes <= n; j += F32::lanes) (F32::load(s + j) + F32::load(m.add + j)).store(s + j);
    if (j < n) (F32::load(s + j) + F32::loadFirst(m.add + j, static_cast<int>(n - j))).store(s + j);
    return;
  }
  const bool wanted = m.kind == AttentionMask::keepTrue;
  if (m.column == 0) {
    if ((*m.keep != 0) == wanted) return;
    for (int64_t j = 0; j < n; j++) s[j] = m.fill;
    return;
  }
  const F32 fill = F32::set(m.fill), yes = F32::set(wanted ? 1.0f : 0.0f);
  int64_t j = 0;
  for (; j + F32::lanes <= n; j += F32::lanes) {
    select(equal(loadTruth(m.keep + j), yes), F32::load(s + j), fill).store(s + j);
  }
  for (; j < n; j++) s[j] = (m.keep[j] != 0) == wanted ? s[j] : m.fill;
}

// Lanes i < n of a vector.
DSNK_INLINE Mask lanesBelow(int64_t n) {
  float index[F32::lanes];
  for (int i = 0; i < F32::lanes; i++) index[i] = static_cast<float>(i);
  return less(F32::load(index), F32::set(static_cast<float>(n)));
}

// Scores of a strip and block become weights e^(s-m) in place; m and Σw of its rows go on from earlier blocks, and keep
// gets e^(m before - m). Rows have room for whole vectors behind n; what is there counts as -∞.
static void softenRows(float* s, int64_t ld, int64_t rows, int64_t n, float* peak, float* total, float* keep) {
  constexpr int64_t lanes = F32::lanes;
  const int64_t last = (n - 1) / lanes * lanes;
  const F32 never = F32::set(-__builtin_inff());
  const Mask valid = lanesBelow(n - last);
  // Two sweeps over all rows, so that their reductions across lanes run beside each other.
  for (int64_t r = 0; r < rows; r++) {
    float* row = s + r * ld;
    // max gives its second operand where one is NaN: a NaN is passed over here and comes back with the sum
    F32 top = F32::set(peak[r]), other = top;
    int64_t j = 0;
    for (; j + lanes < last; j += 2 * lanes) {
      top = max(F32::load(row + j), top);
      other = max(F32::load(row + j + lanes), other);
    }
    if (j < last) top = max(F32::load(row + j), top);
    const F32 tail = select(valid, F32::load(row + last), never);
    tail.store(row + last);
    keep[r] = peak[r];
    peak[r] = largest(max(max(tail, top), other));
  }
  for (int64_t r = 0; r < rows; r++) {
    float* row = s + r * ld;
    // Nothing but -∞ so far: any finite number makes all weights zero.
    const F32 shift = F32::set(peak[r] == -__builtin_inff() ? 0.0f : peak[r]);
    F32 sum0 = F32::zero(), sum1 = F32::zero();
    int64_t j = 0;
    for (; j < last; j += 2 * lanes) {
      const F32 e0 = exp(F32::load(row + j) - shift), e1 = exp(F32::load(row + j + lanes) - shift);
      e0.store(row + j);
      e1.store(row + j + lanes);
      sum0 = sum0 + e0;
      sum1 = sum1 + e1;
    }
    if (j == last) {
      const F32 e = exp(F32::load(row + j) - shift);
      e.store(row + j);
      sum0 = sum0 + e;
    }
    float kept = 0.0f;
    if (keep[r] != -__builtin_inff()) {
      float lane[F32::lanes];
      exp(F32::set(keep[r]) - shift).store(lane);
      kept = lane[0];
    }
    keep[r] = kept;
    total[r] = total[r] * kept + sum(sum0 + sum1);
  }
}
