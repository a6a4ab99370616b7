// Computes  y[b,i,j] = activation(scale·Σ_k r(a[b,i,k])·r(b[b,k,j]) + addScale·(bias + residual[b,i,j])), where r
//           rounds to the nearest bfloat and a[i] is a row of a matrix or what output pixel i of a convolution sees
// Shapes    a, y, bias, residual: float32, as gemm.inl and conv.inl have them; b: packed by bfloat_pack
// Numerics  operands: round to nearest even (2^-8 of each), denormals become zeros. Sums in float32. scalar: k in
//           pairs, the odd one of a pair first, every sum rounded once and flushed to zero below 2^-126; avx512bf16 is
//           bit-equal to that as long as no product leaves the range of floats (measured on Zen 4; Intel's manual
//           writes the same). Tiles sum the even and the odd k of 32 apart, then both, then add that to the sum so far.
//           So with a and b rounded, any row is within (K + 40)·2^-24·Σ|a||b| + 2K·2^-126 of the exact sum, and two
//           rows within twice that. Neither tiles nor threads change a result
// Tiling    narrow/product.h. Rows are converted once for all columns of a tile of the grid. Convolutions gather whole windows
//           while they convert (im2col of a few hundred KB): an element is read k/stride times, at 1/16 cycle each, and
//           multiplied for n/32 cycles. Measured on one Zen 4 core against its loop of VDPBF16PS in registers (236
//           GFLOPS, twice the fma probe): products 128³ … 1024³ 87 … 97 %, 49 rows 91 … 97 %, ResNet's 3x3 89 … 96 %,
//           its 1x1 95 … 97 %. Memory is the limit of 1x1 at large images (64→256 at 56x56 66 %, 144→24 51 %) and of
//           single rows (83 GB/s from L3). Without fetching the lines of y and of the residual ahead, 64→256 with a
//           residual took twice as long. Winograd F(4,3) in float32 takes 0.65 … 0.95 of the time of a direct 3x3 here
// Packing   b[K,N] as panels of nr columns in pairs of k, zeros up to kr and nr; the B tiles of AMX have this order
// too:
//             b[0][0] b[1][0]  b[0][1] b[1][1] … b[0][nr-1] b[1][nr-1]   b[2][0] b[3][0]  b[2][1] …
// Source    as micro.inl; VDPBF16PS and TDPBF16PS: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2

// The free function, which the ending's own name would hide.
template <int MR, int NV>
DSNK_INLINE void finishFloats(Tile<MR, NV>& t, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  finish(t, y, ldc, columns, e);
}

// What becomes of the sums: see narrow/product.inl. Partial sums are floats and stand in y.
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
      for (; m + 4 <= rows; m += 4) at(m, n).template finishSome<4>(sums + m * kTileBlock + n, wide);
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

template <class Product>
static Fault bfloatGemm(const Work& w, int64_t nr, int64_t kr) {
  const auto& p = w.as<GemmParams>();
  const NarrowProduct shape = bfloatProductOf(p, nr, kr);
  const NarrowPart part(w, shape);
  FloatEnding ending{nullptr, p.ldc, {}};
  Epilogue& e = ending.e;
  e.scale = p.scale;
  e.addScale = p.addScale;
  e.bias = w.at<const float>(3);
  e.biasRow = p.biasRow;
  e.biasColumn = p.biasColumn;
  e.residualRow = p.residualRow;
  e.activation = p.activation;
  e.alpha = p.alpha;
  e.beta = p.beta;
  const float* residual = w.at<const float>(4);
  Product product;
  for (int64_t i = part.batch.begin; i < part.batch.end; i++) {
    const float* a = w.at<const float>(1) + gemmOffset(p, p.strideA, i);
    const uint16_t* b = w.at<const uint16_t>(2) + gemmOffset(p, p.strideB, i);
    ending.y = w.at<float>(0) + gemmOffset(p, p.strideC, i);
    e.residual = residual == nullptr ? nullptr : residual + gemmOffset(p, p.strideResidual, i);
    const int64_t k = shape.k, kPadded = shape.kPadded();
    if (p.transA) {
      const MatrixColumns<Bfloats> source{a, p.lda, k, kPadded};
      narrowMatrix<Bfloats>(product, shape, source, b, ending, part.rows, part.columns, w.scratch);
    } else {
      const MatrixRows<Bfloats> source{a, p.lda, k, kPadded};
      narrowMatrix<Bfloats>(product, shape, source, b, ending, part.rows, part.columns, w.scratch);
    }
  }
  return Fault::none;
}

template <class Product>
static Fault bfloatConv(const Work& w, int64_t nr, int64_t kr) {
  const auto& p = w.as<ConvParams>();
  const NarrowProduct shape = bfloatProductOf(p, nr, kr);
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
    const Windows<Bfloats, ConvParams> source{p, x, shape.kPadded(), /*padding=*/0};
    narrowMatrix<Bfloats>(product, shape, source, w.at<const uint16_t>(2) + group * shape.packedNumbers(), ending,
                          part.rows, part.columns, w.scratch);
  }
  return Fault::none;
}
