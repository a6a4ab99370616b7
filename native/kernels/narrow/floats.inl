// Products of float32 activations and packed weights of 16 bits, with float32 results: what becomes of the sums, and the
// walk over a batch of matrices or the groups of a convolution. Element is the element type of product.inl.

// The free function, which the ending's own name would hide.
template <int MR, int NV>
DSNK_INLINE void finishFloats(Tile<MR, NV>& t, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  finish(t, y, ldc, columns, e);
}

// What becomes of the sums: see product.inl. Sums are floats; partial ones stand in y.
struct FloatEnding {
  float* y;
  int64_t ldc;
  Epilogue e;

  inline __attribute__((always_inline)) FloatEnding at(int64_t row, int64_t column) const {
    FloatEnding r = *this;
    r.y += row * ldc + column;
    if (e.bias != nullptr) r.e.bias += row * e.biasRow + (e.biasColumn ? column : 0);
    if (e.residual != nullptr) r.e.residual += row * e.residualRow + column;
    return r;
  }
  float* partial() const { return y; }
  int64_t partialRow() const { return ldc; }
  template <int MR, int NV>
  inline __attribute__((always_inline)) void fetch() const {
    if constexpr (F32::lanes > 1) {
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) {
          __builtin_prefetch(y + r * ldc + j * F32::lanes, 1);
          if (e.residual != nullptr) __builtin_prefetch(e.residual + r * e.residualRow + j * F32::lanes);
        }
      }
    }
  }
  template <int MR, int NV>
  inline __attribute__((always_inline)) void begin(Tile<MR, NV>& t, int64_t) const {
    t.clear();
  }
  template <int MR, int NV>
  inline __attribute__((always_inline)) void finish(Tile<MR, NV>& t, int64_t columns) const {
    finishFloats(t, y, ldc, columns, e);
  }
  void finishSums(const float* sums, int64_t rows, int64_t columns) const {
    for (int64_t n = 0; n < columns; n += kNr) {
      const int64_t wide = columns - n < kNr ? columns - n : kNr;
      int64_t m = 0;
      if constexpr (F32::lanes > 1) {
        for (; m + 4 <= rows; m += 4) at(m, n).template finishSome<4>(sums + m * kTileBlock + n, wide);
      }
      for (; m < rows; m++) at(m, n).template finishSome<1>(sums + m * kTileBlock + n, wide);
    }
  }

 private:
  template <int MR>
  void finishSome(const float* sums, int64_t columns) const {
    switch (ceilDiv(columns, F32::lanes)) {
      case 1: return finishTile<MR, 1>(sums, columns);
      case 2: return finishTile<MR, 2>(sums, columns);
      case 3: return finishTile < MR, kPanelVectors<3 ? kPanelVectors : 3>(sums, columns);
      default: return finishTile<MR, kPanelVectors>(sums, columns);
    }
  }
  template <int MR, int NV>
  void finishTile(const float* sums, int64_t columns) const {
    Tile<MR, NV> t;
    t.load(sums, kTileBlock, columns);
    finish(t, columns);
  }
};

template <class Element, class Product>
static Fault floatGemm(const Work& w, const NarrowProduct& shape) {
  const auto& p = w.as<GemmParams>();
  const NarrowPart part(w, shape);
  FloatEnding ending{nullptr, p.ldc, epilogueOf(p, w.at<const float>(3), nullptr)};
  const float* residual = w.at<const float>(4);
  Product product;
  for (int64_t i = part.batch.begin; i < part.batch.end; i++) {
    const float* a = w.at<const float>(1) + gemmOffset(p, p.strideA, i);
    const uint16_t* b = w.at<const uint16_t>(2) + gemmOffset(p, p.strideB, i);
    ending.y = w.at<float>(0) + gemmOffset(p, p.strideC, i);
    ending.e.residual = residual == nullptr ? nullptr : residual + gemmOffset(p, p.strideResidual, i);
    const int64_t k = shape.k, kPadded = shape.kPadded();
    if (p.transA) {
      const MatrixColumns<Element> source{a, p.lda, k, kPadded};
      narrowMatrix<Element>(product, shape, source, b, ending, part.rows, part.columns, w.scratch);
    } else {
      const MatrixRows<Element> source{a, p.lda, k, kPadded};
      narrowMatrix<Element>(product, shape, source, b, ending, part.rows, part.columns, w.scratch);
    }
  }
  return Fault::none;
}

template <class Element, class Product>
static Fault floatConv(const Work& w, const NarrowProduct& shape) {
  const auto& p = w.as<ConvParams>();
  const NarrowPart part(w, shape);
  FloatEnding ending{nullptr, p.ldc, {}};
  Epilogue& e = ending.e;
  e.residualRow = p.outChannels;
  e.activation = p.activation;
  e.alpha = p.alpha;
  e.beta = p.beta;
  const float* bias = w.at<const float>(3);
  const float* residual = w.at<const float>(4);
  Product product;
  for (int64_t group = part.batch.begin; group < part.batch.end; group++) {
    const int64_t column = group * shape.n;
    ending.y = w.at<float>(0) + column;
    e.bias = bias == nullptr ? nullptr : bias + column;
    e.residual = residual == nullptr ? nullptr : residual + column;
    const float* x = w.at<const float>(1) + group * (p.channels / p.group);
    const Windows<Element, ConvParams> source{p, x, shape.kPadded(), /*padding=*/0};
    narrowMatrix<Element>(product, shape, source, w.at<const uint16_t>(2) + group * shape.packedNumbers(), ending,
                          part.rows, part.columns, w.scratch);
  }
  return Fault::none;
}
