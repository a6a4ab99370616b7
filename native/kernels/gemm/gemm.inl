// Computes  y[b,m,n] = activation(scale·Σ_k a[b,m,k]·b[b,k,n] + addScale·(bias + residual[b,m,n]))
// Shapes    y: [M, ldc]; a: [M, lda], or [K, lda] when transA; b: packed by gemm_pack_b; bias: one value, [N], [M] or
//           [M,N] by its strides; residual: [M, residualRow]; up to four batch dimensions, stride 0 broadcasts
// Numerics  see micro.inl: one chain of fma over k, so results do not depend on tiles or threads
// Tiling    block sizes: grid.h. Rows are cut evenly (49 = 13+12+12+12), not 14+14+14+7: a short tile has too few
//           chains to hide the FMA latency. Up to kMr rows: no k blocks, and several panels at once. Share of the
//           FMA probe on Zen 4, one thread, best run: AVX-512 0.97, 0.98, 0.97, 0.87 and AVX2 0.95, 0.97, 0.96, 0.87
//           at 128³, 256³, 512³, 1024³ (the last before kc became 512)
// Packing   b as in micro.inl; a transposed, or with rows a multiple of 2 KB apart (14 of them share too few sets of
//           L1: 0.48 of the probe at 1024³), is copied block by block to scratch [mc][kc + 16]
// Source    loop order after Goto and van de Geijn (2008), §4; no separate packing of A in the common case

struct GemmBlock {
  const float* a;
  int64_t lda;
  const float* b;
  int64_t panelStride;
  int64_t k;
  float* c;
  int64_t ldc;
  int64_t columns;
  bool first, last;  // of the blocks of k
};

template <int MR, int NV, bool half>
__attribute__((noinline)) static void gemmTile(const GemmBlock& g, const Epilogue& e) {
  Tile<MR, NV> t;
  if (g.first) {
    t.clear();
  } else {
    t.load(g.c, g.ldc, g.columns);
  }
  multiplyAdd<half>(t, StridedRows{g.a, g.lda}, g.b, g.panelStride, g.k);
  if (g.last) {
    finish(t, g.c, g.ldc, g.columns, e);
  } else {
    t.store(g.c, g.ldc, g.columns);
  }
}

using GemmTile = void (*)(const GemmBlock&, const Epilogue&);

// By height up to `most`: an entry is a place that the loader writes to, too.
template <int NV, int most, bool half = false>
struct GemmTiles {
  template <int MR>
  static constexpr GemmTile of = MR > most ? nullptr : gemmTile<(MR < most ? MR : most), NV, half>;
  static constexpr GemmTile row[15] = {nullptr, of<1>, of<2>,  of<3>,  of<4>,  of<5>,  of<6>, of<7>,
                                       of<8>,   of<9>, of<10>, of<11>, of<12>, of<13>, of<14>};
};

// Tiles wider than a panel, for few rows: eight chains at least hide the FMA latency of two ports.
// Where a product multiplies by lanes, two panels of three vectors are enough for two rows and three for one.
constexpr int kManyPanels = kPanelVectors == 3 ? 3 : 4;
constexpr int kTwoPanelRows = kPanelVectors == 3 ? 2 : kVectorRegisters == 32 ? 6 : F32::lanes == 4 ? 2 : 3;
constexpr int kManyPanelRows = kPanelVectors == 3 ? 1 : kVectorRegisters == 32 ? 3 : 1;

// The tile that is `vectors` wide: 1 … kPanelVectors, or two or kManyPanels whole panels. `half`: no more than half of the
// last vector is wanted.
DSNK_INLINE GemmTile gemmTileOf(int rows, int vectors, bool half) {
  if constexpr (kHasHalf) {
    if (half && vectors == 1) return GemmTiles<1, kMr, true>::row[rows];
    if (half && vectors == 2) return GemmTiles<2, kMr, true>::row[rows];
  }
  if constexpr (kPanelVectors == 4) {
    switch (vectors) {
      case 1: return GemmTiles<1, kMr>::row[rows];
      case 2: return GemmTiles<2, kMr>::row[rows];
      case 3: return GemmTiles<3, kMr>::row[rows];
      default: return GemmTiles<4, kMr>::row[rows];
    }
  } else {
    if (vectors == 1) return GemmTiles<1, kMr>::row[rows];
    if (vectors == 2) return GemmTiles<2, kMr>::row[rows];
    if (vectors == kPanelVectors) return GemmTiles<kPanelVectors, kMr>::row[rows];
    if (vectors == 2 * kPanelVectors) return GemmTiles<2 * kPanelVectors, kTwoPanelRows>::row[rows];
    return GemmTiles<kManyPanels * kPanelVectors, kManyPanelRows>::row[rows];
  }
}

// Vectors of the next tile: `columns` are left, its height is at most `rows`.
DSNK_INLINE int gemmTileVectors(int64_t rows, int64_t columns) {
  const int64_t vectors = ceilDiv(columns, F32::lanes);
  if constexpr (kPanelVectors < 4) {
    if (rows <= kManyPanelRows && vectors >= kManyPanels * kPanelVectors) return kManyPanels * kPanelVectors;
    if (rows <= kTwoPanelRows && vectors >= 2 * kPanelVectors) return 2 * kPanelVectors;
  }
  return static_cast<int>(vectors < kPanelVectors ? vectors : kPanelVectors);
}

static void gemmCopyA(const float* a, int64_t lda, int64_t rows, int64_t k, float* to, int64_t stride) {
  for (int64_t m = 0; m < rows; m++, a += lda, to += stride) {
    int64_t i = 0;
    for (; i + F32::lanes <= k; i += F32::lanes) F32::load(a + i).store(to + i);
    for (; i < k; i++) to[i] = a[i];
  }
}

// One block: `rows` rows of a × `columns` columns of packed b × k of one block, every tile of it.
static void gemmBlock(GemmBlock g, Epilogue e, int64_t rows, int64_t columns) {
  const int64_t tall = ceilDiv(rows, kMr), least = rows / tall, taller = rows % tall;
  const GemmBlock atLeft = g;
  const float* bias = e.bias;
  const float* residual = e.residual;
  for (int64_t n = 0; n < columns;) {
    const int vectors = gemmTileVectors(least + (taller > 0), columns - n);
    const int64_t wide = static_cast<int64_t>(vectors) * F32::lanes;
    g.b = atLeft.b + n / kNr * g.panelStride;
    g.columns = columns - n < wide ? columns - n : wide;
    const bool half = 2 * (wide - g.columns) >= F32::lanes;
    int64_t row = 0;
    for (int64_t i = 0; i < tall; i++) {
      const int height = static_cast<int>(least + (i < taller));
      if (bias != nullptr) e.bias = bias + row * e.biasRow + (e.biasColumn ? n : 0);
      if (residual != nullptr) e.residual = residual + row * e.residualRow + n;
      g.a = atLeft.a + row * g.lda;
      g.c = atLeft.c + row * g.ldc + n;
      gemmTileOf(height, vectors, half)(g, e);
      row += height;
    }
    n += wide;
  }
}

// One matrix, rows [rows.begin, rows.end) × columns [columns.begin, columns.end), the latter cut at panels.
static void gemmMatrix(const GemmParams& p, const float* a, const float* b, float* y, const Epilogue& whole, Range rows,
                       Range columns, float* scratch) {
  const GemmBlocking s = gemmBlocking(p, kMr, rows.end - rows.begin);
  const int64_t n0 = columns.begin, nn = columns.end - n0;
  const bool copied = p.transA || (s.copyA && nn > 2 * kNr);
  for (int64_t m0 = rows.begin; m0 < rows.end; m0 += s.mc) {
    const int64_t mn = rows.end - m0 < s.mc ? rows.end - m0 : s.mc;
    Epilogue e = whole;
    if (e.bias != nullptr) e.bias += m0 * e.biasRow + (e.biasColumn ? n0 : 0);
    if (e.residual != nullptr) e.residual += m0 * e.residualRow + n0;
    for (int64_t block = 0; block < s.kBlocks; block++) {
      const int64_t k0 = block * s.kc, kn = p.k - k0 < s.kc ? p.k - k0 : s.kc;
      GemmBlock g{a + m0 * p.lda + k0,
                  p.lda,
                  b + n0 * p.k + k0 * kNr,
                  p.k * kNr,
                  kn,
                  y + m0 * p.ldc + n0,
                  p.ldc,
                  0,
                  block == 0,
                  block == s.kBlocks - 1};
      if (copied) {
        if (p.transA) {
          transposeWords(reinterpret_cast<const uint32_t*>(a + k0 * p.lda + m0), p.lda, kn, mn,
                         reinterpret_cast<uint32_t*>(scratch), s.scratchRow);
        } else {
          gemmCopyA(g.a, p.lda, mn, kn, scratch, s.scratchRow);
        }
        g.a = scratch;
        g.lda = s.scratchRow;
      }
      gemmBlock(g, e, mn, nn);
    }
  }
}

static Fault gemmRun(const Work& w) {
  const auto& p = w.as<GemmParams>();
  const GemmGrid grid = gemmGrid(p, w.tiles, ceilDiv(p.m, kGemmUnitRows), ceilDiv(p.n, kNr));
  const int64_t inN = w.tile % grid.n, inM = w.tile / grid.n % grid.m, inBatch = w.tile / grid.n / grid.m;
  const Range rows = tileRange(p.m, static_cast<uint32_t>(inM), static_cast<uint32_t>(grid.m));
  const Range columns = tileRange(p.n, static_cast<uint32_t>(inN), static_cast<uint32_t>(grid.n), kNr);
  const Range batch = tileRange(gemmBatch(p), static_cast<uint32_t>(inBatch), static_cast<uint32_t>(grid.batch));
  const Epilogue whole = epilogueOf(p, w.at<const float>(3), w.at<const float>(4));
  for (int64_t i = batch.begin; i < batch.end; i++) {
    Epilogue e = whole;
    if (e.residual != nullptr) e.residual += gemmOffset(p, p.strideResidual, i);
    gemmMatrix(p, w.at<const float>(1) + gemmOffset(p, p.strideA, i),
               w.at<const float>(2) + gemmOffset(p, p.strideB, i), w.at<float>(0) + gemmOffset(p, p.strideC, i), e,
               rows, columns, reinterpret_cast<float*>(w.scratch));
  }
  return Fault::none;
}
