// Computes  y[b,i,j] = activation(scale·Σ_k r(a[b,i,k])·r(b[b,k,j]) + addScale·(bias + residual[b,i,j])), where r
//           rounds to the nearest bfloat and a[i] is a row of a matrix or what output pixel i of a convolution sees
// Shapes    a, y, bias, residual: float32, as gemm.inl and conv.inl have them; b: packed by bfloat_pack
// Numerics  operands: round to nearest even (2^-8 of each), denormals become zeros. Sums in float32. scalar: k in
//           pairs, the odd one of a pair first, every sum rounded once and flushed to zero below 2^-126; avx512bf16 is
//           bit-equal to that as long as no product leaves the range of floats (measured on Zen 4; Intel's manual
//           writes the same). Tiles sum the even and the odd k of 32 apart, then both, then add that to the sum so far.
//           So with a and b rounded, any row is within (K + 40)·2^-24·Σ|a||b| + 2K·2^-126 of the exact sum, and two
//           rows within twice that. Neither tiles nor threads change a result
// Tiling    product.h. Rows are converted once for all columns of a tile of the grid. Convolutions gather whole windows
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

struct BfloatBlock {
  const uint16_t* a;
  int64_t stride;  // elements between rows of a
  int64_t rows;
  const uint16_t* b;
  int64_t panelStride;  // elements
  int64_t k;            // a multiple of kr
  float* y;
  int64_t ldc;
  int64_t columns;
  bool first, last;  // of the blocks of k
  float* sums;       // kTileBlock², for tiles
};

// The epilogue of a piece that starts at a row and a column.
DSNK_INLINE Epilogue epilogueAt(Epilogue e, int64_t row, int64_t column) {
  if (e.bias != nullptr) e.bias += row * e.biasRow + (e.biasColumn ? column : 0);
  if (e.residual != nullptr) e.residual += row * e.residualRow + column;
  return e;
}

// One matrix, rows × columns of it; `y` and `e` stand at its first row and column.
template <class Product, class Rows>
static void bfloatMatrix(Product& product, const BfloatProduct& p, const Rows& source, const uint16_t* b, float* y,
                         int64_t ldc, const Epilogue& e, Range rows, Range columns, std::byte* scratch) {
  const int64_t kPadded = p.kPadded(), stride = p.rowStride(), atOnce = p.rowsAtOnce();
  // Few rows read every panel once: there is nothing to keep in a cache.
  const int64_t kBlocks = rows.end - rows.begin <= p.unitRows() || kPadded <= p.kc() ? 1 : ceilDiv(kPadded, p.kc());
  const int64_t kc = kBlocks == 1 ? kPadded : roundUp(ceilDiv(kPadded, kBlocks), p.kr);
  const int64_t nc = kBlocks == 1 ? columns.end - columns.begin : kBfloatNc;
  auto* a = reinterpret_cast<uint16_t*>(scratch);
  BfloatBlock g{};
  g.stride = stride;
  g.panelStride = p.panelStride();
  g.ldc = ldc;
  g.sums = p.tiles() ? reinterpret_cast<float*>(scratch + atOnce * stride * 2) : nullptr;
  // Even pieces: 250 rows of at most 126 are 125 + 125.
  const int64_t pieces = ceilDiv(rows.end - rows.begin, atOnce);
  for (int64_t piece = 0; piece < pieces; piece++) {
    const Range at = tileRange(rows.end - rows.begin, static_cast<uint32_t>(piece), static_cast<uint32_t>(pieces),
                               p.tiles() ? kTileBlock : 1);
    const int64_t m0 = rows.begin + at.begin;
    g.rows = at.end - at.begin;
    source.fill(m0, g.rows, a, stride);
    if (p.tiles()) {  // whole tiles: rows past the last are never stored, but should not be left from another
                      // instruction
      for (int64_t i = g.rows; i < roundUp(g.rows, kTileBlock); i++) {
        for (int64_t j = 0; j < kPadded; j++) a[i * stride + j] = 0;
      }
    }
    for (int64_t n0 = columns.begin; n0 < columns.end; n0 += nc) {
      g.columns = columns.end - n0 < nc ? columns.end - n0 : nc;
      g.y = y + m0 * ldc + n0;
      const Epilogue at0 = epilogueAt(e, m0, n0);
      for (int64_t block = 0; block < kBlocks; block++) {
        const int64_t k0 = block * kc;
        g.k = kPadded - k0 < kc ? kPadded - k0 : kc;
        g.a = a + k0;
        g.b = b + n0 / p.nr * g.panelStride + k0 * p.nr;
        g.first = block == 0;
        g.last = block == kBlocks - 1;
        product.multiply(g, at0);
      }
    }
  }
}

struct BfloatPart {
  Range batch, rows, columns;
  BfloatPart(const Work& w, const BfloatProduct& p) {
    const BfloatGrid grid = bfloatGrid(p, w.tiles);
    const int64_t inN = w.tile % grid.n, inM = w.tile / grid.n % grid.m, inBatch = w.tile / grid.n / grid.m;
    batch = tileRange(p.batch, static_cast<uint32_t>(inBatch), static_cast<uint32_t>(grid.batch));
    rows = tileRange(p.m, static_cast<uint32_t>(inM), static_cast<uint32_t>(grid.m), p.unitRows());
    columns = tileRange(p.n, static_cast<uint32_t>(inN), static_cast<uint32_t>(grid.n), p.nr);
  }
};

template <class Product>
static Fault bfloatGemm(const Work& w, int64_t nr, int64_t kr) {
  const auto& p = w.as<GemmParams>();
  const BfloatProduct shape = bfloatProductOf(p, nr, kr);
  const BfloatPart part(w, shape);
  Epilogue e;
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
    float* y = w.at<float>(0) + gemmOffset(p, p.strideC, i);
    e.residual = residual == nullptr ? nullptr : residual + gemmOffset(p, p.strideResidual, i);
    const int64_t k = shape.k, kPadded = shape.kPadded();
    if (p.transA) {
      const MatrixColumns source{a, p.lda, k, kPadded};
      bfloatMatrix(product, shape, source, b, y, p.ldc, e, part.rows, part.columns, w.scratch);
    } else {
      const MatrixRows source{a, p.lda, k, kPadded};
      bfloatMatrix(product, shape, source, b, y, p.ldc, e, part.rows, part.columns, w.scratch);
    }
  }
  return Fault::none;
}

template <class Product>
static Fault bfloatConv(const Work& w, int64_t nr, int64_t kr) {
  const auto& p = w.as<ConvParams>();
  const BfloatProduct shape = bfloatProductOf(p, nr, kr);
  const BfloatPart part(w, shape);
  Epilogue e;
  e.residualRow = p.outChannels;
  e.activation = p.activation;
  e.alpha = p.alpha;
  e.beta = p.beta;
  const float* bias = w.at<const float>(3);
  const float* residual = w.at<const float>(4);
  Product product;
  for (int64_t group = part.batch.begin; group < part.batch.end; group++) {
    const int64_t column = group * shape.n;
    e.bias = bias == nullptr ? nullptr : bias + column;
    e.residual = residual == nullptr ? nullptr : residual + column;
    const Windows source{p, w.at<const float>(1) + group * (p.channels / p.group), shape.kPadded()};
    bfloatMatrix(product, shape, source, w.at<const uint16_t>(2) + group * shape.packedElements(),
                 w.at<float>(0) + column, p.ldc, e, part.rows, part.columns, w.scratch);
  }
  return Fault::none;
}
