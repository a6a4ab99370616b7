// Computes  as gemm.inl, for few rows, with b as it stands
// Shapes    y: [M, ldc]; a: [M, lda]; b: [K, ldb], or [N, ldb] when transB; the rest as in gemm.inl
// Numerics  plain: one chain of fma over k, bit-equal to gemm on the same ISA. transB: one chain per lane, then a sum
//           over the lanes. Neither depends on tiles or threads
// Tiling    plain: 128 columns of up to three rows in registers, so that b is read once in runs of 512 bytes. transB:
//           four columns × up to four rows share every load. A unit of work is 128 columns of one matrix
// Packing   none: b is read once, packing would read and write it before (3 times the traffic of one row)
// Source    none

constexpr int kDirectRows = 6;
constexpr int kDirectWide8Rows = kVectorRegisters == 32 ? 3 : 1;
constexpr int kDirectWide4Rows = kVectorRegisters == 32 ? 6 : F32::lanes == 8 ? 3 : 2;

struct DirectBlock {
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  int64_t k;
  float* c;
  int64_t ldc;
  int64_t columns;
};

// Rows of a times NV vectors of columns; the last vector may be partial only where NV is 1.
template <int MR, int NV>
__attribute__((noinline)) static void directTile(const DirectBlock& g, const Epilogue& e) {
  Tile<MR, NV> t;
  t.clear();
  const float* b = g.b;
  const int last = Tile<MR, NV>::lastOf(g.columns);
#ifdef DSNK_ROW_LOOP
  if constexpr (NV > 1) {
    const float* row[MR];
    DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] = g.a + r * g.lda;
    multiplyColumns(t.v, row, b, g.ldb, g.k);
    return finish(t, g.c, g.ldc, g.columns, e);
  }
#endif
  for (int64_t k = 0; k < g.k; k++, b += g.ldb) {
    F32 bv[NV];
    DSNK_UNROLL for (int j = 0; j < NV; j++) bv[j] = NV == 1 ? take<1>(b, 0, last) : F32::load(b + j * F32::lanes);
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const F32 a = F32::set(g.a[r * g.lda + k]);
      DSNK_UNROLL for (int j = 0; j < NV; j++) accumulate(t.v[r][j], a, bv[j]);
    }
  }
  finish(t, g.c, g.ldc, g.columns, e);
}

// Rows of a times rows of b, along k; up to one vector of columns.
template <int MR>
__attribute__((noinline)) static void directDots(const DirectBlock& g, const Epilogue& e) {
  constexpr int together = F32::lanes < 4 ? F32::lanes : 4;
  float sums[MR * F32::lanes] = {};
  for (int64_t n = 0; n < g.columns; n += together) {
    Tile<MR, together> t;
    t.clear();
    const float* b[together];
    // columns past the end repeat the last one
    DSNK_UNROLL for (int j = 0; j < together; j++) b[j] = g.b + (n + j < g.columns ? n + j : g.columns - 1) * g.ldb;
    int64_t k = 0;
    for (; k + F32::lanes <= g.k; k += F32::lanes) {
      DSNK_UNROLL for (int j = 0; j < together; j++) {
        const F32 bv = F32::load(b[j] + k);
        DSNK_UNROLL for (int r = 0; r < MR; r++) accumulate(t.v[r][j], F32::load(g.a + r * g.lda + k), bv);
      }
    }
    if (k < g.k) {
      const int rest = static_cast<int>(g.k - k);
      DSNK_UNROLL for (int j = 0; j < together; j++) {
        const F32 bv = F32::loadFirst(b[j] + k, rest);
        DSNK_UNROLL for (int r = 0; r < MR; r++) accumulate(t.v[r][j], F32::loadFirst(g.a + r * g.lda + k, rest), bv);
      }
    }
    DSNK_UNROLL for (int j = 0; j < together; j++) {
      if (n + j >= g.columns) break;
      DSNK_UNROLL for (int r = 0; r < MR; r++) sums[r * F32::lanes + n + j] = sum(t.v[r][j]);
    }
  }
  Tile<MR, 1> t;
  t.load(sums, F32::lanes, F32::lanes);
  finish(t, g.c, g.ldc, g.columns, e);
}

using DirectTile = void (*)(const DirectBlock&, const Epilogue&);
constexpr DirectTile kDirectTiles1[] = {directTile<1, 1>, directTile<2, 1>, directTile<3, 1>,
                                        directTile<4, 1>, directTile<5, 1>, directTile<6, 1>};
constexpr int cappedRows(int rows, int most) { return rows < most ? rows : most; }
constexpr DirectTile kDirectTiles4[] = {directTile<1, 4>,
                                        directTile<2, 4>,
                                        directTile<cappedRows(3, kDirectWide4Rows), 4>,
                                        directTile<cappedRows(4, kDirectWide4Rows), 4>,
                                        directTile<cappedRows(5, kDirectWide4Rows), 4>,
                                        directTile<cappedRows(6, kDirectWide4Rows), 4>};
constexpr DirectTile kDirectTiles8[] = {directTile<1, 8>, directTile<cappedRows(2, kDirectWide8Rows), 8>,
                                        directTile<cappedRows(3, kDirectWide8Rows), 8>};
constexpr DirectTile kDirectDots[] = {directDots<1>, directDots<2>, directDots<3>, directDots<4>};

// Columns [n.begin, n.end) of one matrix.
static void directMatrix(const GemmDirectParams& p, const float* a, const float* b, float* y, const Epilogue& whole,
                         Range n) {
  for (int64_t n0 = n.begin; n0 < n.end;) {
    const int64_t columns = n.end - n0;
    const int vectors = p.transB                                               ? 1
                        : p.m <= kDirectWide8Rows && columns >= 8 * F32::lanes ? 8
                        : columns >= 4 * F32::lanes                            ? 4
                                                                               : 1;
    const int64_t most = p.transB ? 4 : vectors == 8 ? kDirectWide8Rows : vectors == 4 ? kDirectWide4Rows : kDirectRows;
    const int64_t width = static_cast<int64_t>(vectors) * F32::lanes;
    for (int64_t m0 = 0; m0 < p.m; m0 += most) {
      const int64_t rows = p.m - m0 < most ? p.m - m0 : most;
      Epilogue e = whole;
      if (e.bias != nullptr) e.bias += m0 * e.biasRow + (e.biasColumn ? n0 : 0);
      if (e.residual != nullptr) e.residual += m0 * e.residualRow + n0;
      const DirectBlock g{a + m0 * p.lda,      p.lda, b + (p.transB ? n0 * p.ldb : n0), p.ldb, p.k,
                          y + m0 * p.ldc + n0, p.ldc, columns < width ? columns : width};
      const DirectTile* tiles = p.transB       ? kDirectDots
                                : vectors == 8 ? kDirectTiles8
                                : vectors == 4 ? kDirectTiles4
                                               : kDirectTiles1;
      tiles[rows - 1](g, e);
    }
    n0 += width;
  }
}

static Fault directRun(const Work& w) {
  const auto& p = w.as<GemmDirectParams>();
  const int64_t units = ceilDiv(p.n, kGemmDirectColumns);
  const Range range = tileRange(gemmBatch(p) * units, w.tile, w.tiles);
  for (int64_t i = range.begin; i < range.end;) {
    const int64_t matrix = i / units, first = i % units;
    const int64_t count = range.end - i < units - first ? range.end - i : units - first;
    const int64_t end = (first + count) * kGemmDirectColumns;
    Epilogue e = epilogueOf(p, w.at<const float>(3), w.at<const float>(4));
    if (e.residual != nullptr) e.residual += gemmOffset(p, p.strideResidual, matrix);
    directMatrix(p, w.at<const float>(1) + gemmOffset(p, p.strideA, matrix),
                 w.at<const float>(2) + gemmOffset(p, p.strideB, matrix),
                 w.at<float>(0) + gemmOffset(p, p.strideC, matrix), e,
                 {first * kGemmDirectColumns, end < p.n ? end : p.n});
    i += count;
  }
  return Fault::none;
}
