// What becomes of the integer sums of a product: see narrow/product.inl. All of it is the same on every ISA, to the bit.
//
//   acc = Σ a·b + bias, wrapping
//   i32: y = acc        f32: y = float(acc)·m + addend
//   u8:  y = clamp(rne(float(acc)·m) + zero, low, high)
//   u8 with a residual r:  t = clamp(rne(float(acc)·m) + sumZero, sumLow, sumHigh)
//        y = clamp(rne((t - sumZero)·sumRatio + (r - residualZero)·residualRatio) + zero, low, high)
//   the same where sumRatio is 0: y = clamp(rne(float(acc)·m + (r - residualZero)·residualRatio) + zero, low, high)
//
// float(acc), each product and each sum is one float32 rounding to nearest even. A product that is no number counts as
// too large.
// Needs from bytes-<isa>.inl: roundBytes (rounds, beyond ±2^15 anything that is), loadBytes, Bytes (four vectors of such
// numbers as bytes, with their zero point and clamps), storeVector.

struct IntegerEnding {
  std::byte* y;
  int64_t ldc;  // elements
  const int32_t* bias;
  const float* multiplier;
  const uint8_t* residual;  // nullptr = none
  int64_t residualRow;
  const float* addend;  // nullptr = none
  IntegerOutput output;
  int perColumn;
  ByteRange range;
  float sumLow, sumHigh;  // less the zero point
  int residualZero;
  float sumRatio, residualRatio;

  template <class P>
  IntegerEnding(const P& p, const Work& w)
      : y(w.at<std::byte>(0)),
        ldc(p.ldc),
        bias(w.at<const int32_t>(3)),
        multiplier(w.at<const float>(4)),
        residual(w.at<const uint8_t>(5)),
        residualRow(0),
        addend(w.at<const float>(6)),
        output(static_cast<IntegerOutput>(p.output)),
        perColumn(p.perColumn),
        range(p.zero, p.low, p.high),
        sumLow(static_cast<float>(p.sumLow - p.sumZero)),
        sumHigh(static_cast<float>(p.sumHigh - p.sumZero)),
        residualZero(p.residualZero),
        sumRatio(p.sumRatio),
        residualRatio(p.residualRatio) {}

  inline __attribute__((always_inline)) IntegerEnding at(int64_t row, int64_t column) const {
    IntegerEnding r = *this;
    r.y += (row * ldc + column) * (output == IntegerOutput::u8 ? 1 : 4);
    r.bias += column;
    if (perColumn != 0) r.multiplier += column;
    if (residual != nullptr) r.residual += row * residualRow + column;
    if (addend != nullptr) r.addend += column;
    return r;
  }
  float* partial() const { return nullptr; }  // bytes hold no sums
  int64_t partialRow() const { return 0; }

  template <int MR, int NV>
  inline __attribute__((always_inline)) void fetch() const {
    if constexpr (F32::lanes > 1) {
      if (output != IntegerOutput::u8) return;
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        __builtin_prefetch(y + r * ldc, 1);
        if (residual != nullptr) __builtin_prefetch(residual + r * residualRow);
      }
    }
  }

  template <int MR, int NV>
  inline __attribute__((always_inline)) void begin(Tile<MR, NV>& t, int64_t columns) const {
    const int last = Tile<MR, NV>::lastOf(columns);
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const F32 first = take<NV>(reinterpret_cast<const float*>(bias) + j * F32::lanes, j, last);
      DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = first;
    }
  }

  template <int MR, int NV>
  inline __attribute__((always_inline)) void finish(Tile<MR, NV>& t, int64_t columns) const {
    if (output == IntegerOutput::u8 && residual == nullptr) {
      const int last = Tile<MR, NV>::lastOf(columns);
      const F32 one = F32::set(multiplier[0]);
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        const F32 m = perColumn != 0 ? take<NV>(multiplier + j * F32::lanes, j, last) : one;
        DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = fromBits(roundBytes(toF32(bitsOf(t.v[r][j])) * m));
      }
      storeTile(t, reinterpret_cast<uint8_t*>(y), ldc, columns, range);
      return;
    }
    float sums[MR * NV * F32::lanes];
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j].store(sums + (r * NV + j) * F32::lanes);
    }
    if (output == IntegerOutput::u8) {
      finishResidual(sums, NV * F32::lanes, MR, columns);
    } else {
      finishRows(sums, NV * F32::lanes, MR, columns, /*biased=*/true);
    }
  }

  // Bytes with a residual, from sums with bias: finishRows without anything to decide inside of its loop.
  __attribute__((noinline)) void finishResidual(const float* sums, int64_t row, int64_t rows, int64_t columns) const {
    for (int64_t j = 0; j < columns; j += F32::lanes) {
      const int n = columns - j < F32::lanes ? static_cast<int>(columns - j) : F32::lanes;
      const F32 m = perColumn != 0 ? F32::loadFirst(multiplier + j, n) : F32::set(*multiplier);
      if (n == F32::lanes) {
        sumRatio != 0 ? addResidual<true>(sums + j, row, rows, j, F32::lanes, m)
                      : addResidual<false>(sums + j, row, rows, j, F32::lanes, m);
      } else {
        sumRatio != 0 ? addResidual<true>(sums + j, row, rows, j, n, m)
                      : addResidual<false>(sums + j, row, rows, j, n, m);
      }
    }
  }

  template <bool rounded>
  inline __attribute__((always_inline)) void addResidual(const float* sums, int64_t row, int64_t rows, int64_t j, int n,
                                                         F32 m) const {
    const F32 low = F32::set(sumLow), high = F32::set(sumHigh), sumFactor = F32::set(sumRatio);
    const F32 residualFactor = F32::set(residualRatio);
    const I32 residualOff = I32::set(residualZero);
    const uint8_t* from = residual + j;
    auto* to = reinterpret_cast<uint8_t*>(y) + j;
    const ByteRange ends = range;  // a copy that no store can reach
    const int64_t fromRow = residualRow, toRow = ldc;
    for (int64_t i = 0; i < rows; i++, sums += row, from += fromRow, to += toRow) {
      F32 x = toF32(bitsOf(F32::load(sums))) * m;
      if constexpr (rounded) x = roundEven(max(min(x, high), low)) * sumFactor;
      x = x + toF32(loadBytes(from, n) - residualOff) * residualFactor;
      storeVector(roundBytes(x), to, n, ends);
    }
  }

  void finishSums(const float* sums, int64_t rows, int64_t columns) const {
    finishRows(sums, kTileBlock, rows, columns, /*biased=*/false);
  }

  __attribute__((noinline)) void finishRows(const float* sums, int64_t row, int64_t rows, int64_t columns,
                                            bool biased) const {
    const F32 low = F32::set(sumLow), high = F32::set(sumHigh);
    const F32 sumFactor = F32::set(sumRatio), residualFactor = F32::set(residualRatio);
    const I32 residualOff = I32::set(residualZero);
    for (int64_t j = 0; j < columns; j += F32::lanes) {
      const int n = columns - j < F32::lanes ? static_cast<int>(columns - j) : F32::lanes;
      const I32 start = biased ? I32::set(0) : I32::loadFirst(bias + j, n);
      F32 m = F32::zero();
      if (output != IntegerOutput::i32) m = perColumn != 0 ? F32::loadFirst(multiplier + j, n) : F32::set(*multiplier);
      const F32 add = addend == nullptr ? F32::zero() : F32::loadFirst(addend + j, n);
      for (int64_t i = 0; i < rows; i++) {
        const I32 acc = bitsOf(F32::load(sums + i * row + j)) + start;
        if (output == IntegerOutput::i32) {
          acc.storeFirst(reinterpret_cast<int32_t*>(y) + i * ldc + j, n);
          continue;
        }
        F32 x = toF32(acc) * m;
        if (output == IntegerOutput::f32) {
          if (addend != nullptr) x = x + add;
          x.storeFirst(reinterpret_cast<float*>(y) + i * ldc + j, n);
          continue;
        }
        if (residual != nullptr) {
          if (sumRatio != 0) x = roundEven(max(min(x, high), low)) * sumFactor;
          const F32 r = toF32(loadBytes(residual + i * residualRow + j, n) - residualOff);
          x = x + r * residualFactor;
        }
        storeVector(roundBytes(x), reinterpret_cast<uint8_t*>(y) + i * ldc + j, n, range);
      }
    }
  }
};
