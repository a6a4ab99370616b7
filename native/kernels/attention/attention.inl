// Computes  y[b,i,:] = Σ_j w[b,i,j]·v[b,j,:],  w = softmax_j(scale·Σ_d q[b,i,d]·k[b,j,d] + mask[b,i,j])
// Shapes    y, q: [outer…, rows, depth | width]; k, v: [outer…, keys, width | depth]; mask: [outer…, rows, keys], float
//           or bool; every operand by its strides (lib/kernels/attention.ts), so that packed projections are read and
//           written where they lie; stride 0 shares keys between heads
// Numerics  scores and sums are chains of fma as in gemm (micro.inl); weights e^(s-m) with the exp of simd/math.inl (1
//           ulp), m the largest score of the keys so far; a new maximum multiplies sums and y by e^(m-m'). Against the
//           quotient of exact sums: relative 2^-24·(width·Σ|q||k|·scale + keys/lanes + 2·blocks + 8), see the test. A
//           NaN or +∞ among the scores makes the row NaN; a row of -∞ is NaN, or zeros where `empty` says so. The cut
//           into strips and blocks depends on the shapes only, so that results do not depend on tiles
// Tiling    a strip is 14 queries (AVX2: 12) × a block of at most 256 keys: its scores stay in L1, and both products
//           are the register tiles of gemm, 14x32 (6x16). Panels of K and V come from L2 at 4.6 bytes a cycle behind
//           the FMAs. Strips are cut evenly, the same whatever the tiles. Partial sums of y lie in y, m and Σw in
//           scratch. AVX-512 on Zen 4, one thread, of the FMA probe: 3 heads of 197x197x64 0.80, 12 of 128x128x64 0.84,
//           4096x4096x64 0.86, 256x256x128 0.90. What is missing is the softmax, 15 cycles a vector of scores (exp 11,
//           its sums and maxima 4): one for eight FMAs at width 64. One row at a time instead of sweep by sweep over
//           the strip took 21 cycles, mostly waiting for reductions and for the last vector to leave the store queue
// Packing   a tile packs each block of K transposed as panels [width][32] and V as panels [keys][32] (16 columns AVX2,
//           4 scalar): 3 % of a head of 197x197x64, and again for every tile that shares the head. Up to four queries
//           read both as they lie
// Source    softmax in one pass: Milakov and Gimelshein, Online normalizer calculation for softmax (2018), §3; its
//           blocks: Dao, FlashAttention-2 (2023), algorithm 1. The sizes and the packing are our own

constexpr int kStripTiles = F32::lanes == 16 ? 1 : 2;
constexpr int64_t kStripRows = static_cast<int64_t>(kStripTiles) * kMr;
static_assert(kStripRows <= kAttentionStripRows && kNr <= kAttentionPanel);

// One block of keys for one strip or row.
struct AttentionTile {
  const float* a;  // queries, or weights
  int64_t lda;
  const float* b;  // the panel
  int64_t k;
  float* c;  // scores, or y
  int64_t ldc;
  int64_t columns;
  float scale;
  const float* keep;     // y: what earlier sums are multiplied with; nullptr where there are none
  const float* inverse;  // y: 1/Σw after the last block; nullptr before
};

template <int MR, int NV, bool half>
__attribute__((noinline)) static void scoreTile(const AttentionTile& g) {
  Tile<MR, NV> t;
  t.clear();
  multiplyAdd<half>(t, StridedRows{g.a, g.lda}, g.b, 0, g.k);
  const F32 scale = F32::set(g.scale);
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++)(t.v[r][j] * scale).store(g.c + r * g.ldc + j * F32::lanes);
  }
}

template <int MR, int NV>
DSNK_INLINE void scaleRows(Tile<MR, NV>& t, const float* by) {
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    const F32 f = F32::set(by[r]);
    DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = t.v[r][j] * f;
  }
}

template <int MR, int NV, bool half>
__attribute__((noinline)) static void valueTile(const AttentionTile& g) {
  Tile<MR, NV> t;
  if (g.keep == nullptr) {
    t.clear();
  } else {
    t.load(g.c, g.ldc, g.columns);
    scaleRows(t, g.keep);
  }
  multiplyAdd<half>(t, StridedRows{g.a, g.lda}, g.b, 0, g.k);
  if (g.inverse != nullptr) scaleRows(t, g.inverse);
  t.store(g.c, g.ldc, g.columns);
}

using AttentionTileRun = void (*)(const AttentionTile&);

// The least height of a tile of a strip: more than kAttentionFewRows rows are cut evenly into strips, those into tiles.
constexpr int kStripLeast = kStripTiles == 1 && kMr > kAttentionFewRows ? kAttentionFewRows + 1 : 1;

// By height and width; heights above kMr, and below the least one, are never asked for.
template <int NV, bool half = false>
struct AttentionTiles {
  template <int MR>
  static constexpr int height = MR < kStripLeast ? kStripLeast
                                : MR < kMr       ? MR
                                                 : kMr;
  template <int MR>
  static constexpr bool asked = height<MR> == MR;
  template <int MR>
  static constexpr AttentionTileRun s = asked<MR> ? scoreTile<height<MR>, NV, half> : nullptr;
  template <int MR>
  static constexpr AttentionTileRun y = asked<MR> ? valueTile<height<MR>, NV, half> : nullptr;
  static constexpr AttentionTileRun scores[15] = {nullptr, s<1>, s<2>,  s<3>,  s<4>,  s<5>,  s<6>, s<7>,
                                                  s<8>,    s<9>, s<10>, s<11>, s<12>, s<13>, s<14>};
  static constexpr AttentionTileRun values[15] = {nullptr, y<1>, y<2>,  y<3>,  y<4>,  y<5>,  y<6>, y<7>,
                                                  y<8>,    y<9>, y<10>, y<11>, y<12>, y<13>, y<14>};
};

DSNK_INLINE AttentionTileRun attentionTileOf(bool scores, int rows, int64_t columns) {
  const auto pick = [&](auto tiles) { return scores ? decltype(tiles)::scores[rows] : decltype(tiles)::values[rows]; };
  const int64_t vectors = ceilDiv(columns, F32::lanes);
  if constexpr (kPanelVectors == 4) {
    if (vectors == 3) return pick(AttentionTiles<3>());
    if (vectors >= 4) return pick(AttentionTiles<4>());
  }
  if constexpr (kHasHalf) {
    const bool half = 2 * (vectors * F32::lanes - columns) >= F32::lanes;
    if (half) return vectors == 1 ? pick(AttentionTiles<1, true>()) : pick(AttentionTiles<2, true>());
  }
  return vectors == 1 ? pick(AttentionTiles<1>()) : pick(AttentionTiles<2>());
}

// One product of a strip: `columns` columns in panels that lie `panel` floats apart.
static void attentionProduct(bool scores, AttentionTile g, int64_t rows, int64_t columns, int64_t panel) {
  const AttentionTile first = g;
  const int64_t tall = ceilDiv(rows, kMr), least = rows / tall, taller = rows % tall;
  for (int64_t n = 0; n < columns; n += kNr) {
    g.columns = columns - n < kNr ? columns - n : kNr;
    g.b = first.b + n / kNr * panel;
    int64_t row = 0;
    for (int64_t i = 0; i < tall; i++) {
      const auto height = static_cast<int>(least + (i < taller));
      g.a = first.a + row * first.lda;
      g.c = first.c + row * first.ldc + n;
      g.keep = first.keep == nullptr ? nullptr : first.keep + row;
      g.inverse = first.inverse == nullptr ? nullptr : first.inverse + row;
      attentionTileOf(scores, height, g.columns)(g);
      row += height;
    }
  }
}

// K of a block, transposed; columns behind the last key are zeros.
static void packKeys(const float* k, int64_t row, int64_t keys, int64_t width, float* to) {
  for (int64_t j = 0; j < keys; j += kNr, to += width * kNr) {
    const int64_t n = keys - j < kNr ? keys - j : kNr;
    transposeWords(reinterpret_cast<const uint32_t*>(k + j * row), row, n, width, reinterpret_cast<uint32_t*>(to), kNr);
    for (int64_t d = 0; n < kNr && d < width; d++) {
      for (int64_t c = n; c < kNr; c++) to[d * kNr + c] = 0.0f;
    }
  }
}

static void packValues(const float* v, int64_t row, int64_t keys, int64_t depth, float* to) {
  for (int64_t d = 0; d < depth; d += kNr) {
    const int64_t n = depth - d < kNr ? depth - d : kNr;
    for (int64_t j = 0; j < keys; j++, to += kNr) {
      const float* from = v + j * row + d;
      DSNK_UNROLL for (int c = 0; c < kPanelVectors; c++) {
        const int64_t left = n - c * F32::lanes;
        const F32 x = left >= F32::lanes ? F32::load(from + c * F32::lanes)
                      : left > 0         ? F32::loadFirst(from + c * F32::lanes, static_cast<int>(left))
                                         : F32::zero();
        x.store(to + c * F32::lanes);
      }
    }
  }
}

// Scores of MR queries, along their width: keys as they lie, four at a time so that they share loads.
template <int MR>
static void fewScores(const float* q, int64_t rowQ, const float* k, int64_t rowK, int64_t keys, int64_t width,
                      float scale, float* s, int64_t ld) {
  for (int64_t j = 0; j < keys; j += 4) {
    Tile<MR, 4> t;
    t.clear();
    const float* from[4];
    // keys past the end repeat the last one
    DSNK_UNROLL for (int c = 0; c < 4; c++) from[c] = k + (j + c < keys ? j + c : keys - 1) * rowK;
    for (int64_t d = 0; d < width; d += F32::lanes) {
      const int n = width - d < F32::lanes ? static_cast<int>(width - d) : F32::lanes;
      DSNK_UNROLL for (int c = 0; c < 4; c++) {
        const F32 x = take<1>(from[c] + d, 0, n);
        DSNK_UNROLL for (int r = 0; r < MR; r++) accumulate(t.v[r][c], take<1>(q + r * rowQ + d, 0, n), x);
      }
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int c = 0; c < 4; c++) s[r * ld + j + c] = sum(t.v[r][c]) * scale;
    }
  }
}

// y of MR queries, NV vectors of it: values as they lie.
template <int MR, int NV>
static void fewValuesOf(const AttentionTile& g, int64_t rowV) {
  Tile<MR, NV> t;
  const int last = Tile<MR, NV>::lastOf(g.columns);
  if (g.keep == nullptr) {
    t.clear();
  } else {
    t.load(g.c, g.ldc, g.columns);
    scaleRows(t, g.keep);
  }
  const float* v = g.b;
  for (int64_t j = 0; j < g.k; j++, v += rowV) {
    F32 x[NV];
    DSNK_UNROLL for (int c = 0; c < NV; c++) x[c] = take<NV>(v + c * F32::lanes, c, last);
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const F32 w = F32::set(g.a[r * g.lda + j]);
      DSNK_UNROLL for (int c = 0; c < NV; c++) accumulate(t.v[r][c], w, x[c]);
    }
  }
  if (g.inverse != nullptr) scaleRows(t, g.inverse);
  t.store(g.c, g.ldc, g.columns);
}

template <int MR>
static void fewValues(AttentionTile g, int64_t rowV, int64_t depth) {
  constexpr int wide = F32::lanes == 1 ? 16 : 4;
  for (int64_t d = 0; d < depth;) {
    const bool whole = depth - d >= wide * F32::lanes;
    g.columns = whole ? wide * F32::lanes : depth - d < F32::lanes ? depth - d : F32::lanes;
    if (whole) {
      fewValuesOf<MR, wide>(g, rowV);
    } else {
      fewValuesOf<MR, 1>(g, rowV);
    }
    d += g.columns;
    g.b += g.columns;
    g.c += g.columns;
  }
}

constexpr decltype(&fewScores<1>) kFewScores[] = {fewScores<1>, fewScores<2>, fewScores<3>, fewScores<4>};
constexpr decltype(&fewValues<1>) kFewValues[] = {fewValues<1>, fewValues<2>, fewValues<3>, fewValues<4>};

#include "kernels/attention/soften.inl"

// 1/Σw; where the row has no weights, its y is to be zeros or becomes NaN.
static bool rowVanishes(const AttentionParams& p, float total) {
  const auto empty = static_cast<AttentionEmpty>(p.empty);
  return (empty == AttentionEmpty::zero && total == 0.0f) || (empty == AttentionEmpty::zeroNan && !(total > 0.0f));
}

struct AttentionHead {
  const float *q, *k, *v;
  const float* add;
  const uint8_t* keep;
  float* y;
};

static MaskRow maskOf(const AttentionParams& p, const AttentionHead& h, int64_t i, int64_t j) {
  const auto kind = static_cast<AttentionMask>(p.mask);
  const int64_t at = kind == AttentionMask::none ? 0 : i * p.rowMask + j * p.columnMask;
  return {kind, h.add == nullptr ? nullptr : h.add + at, h.keep == nullptr ? nullptr : h.keep + at, p.columnMask,
          p.fill};
}

// How many keys of a block, [0, n) from key j, query i sees.
static int64_t keysSeen(const AttentionParams& p, int64_t i, int64_t j, int64_t n) {
  if (!p.causal) return n;
  const int64_t seen = i + p.causalOffset + 1 - j;
  return seen < 0 ? 0 : seen < n ? seen : n;
}

// Weights of `rows` rows from query i on, in place of their scores. n: keys that the strip reads of the block at key j.
DSNK_SMALL_CODE static void softenStrip(const AttentionParams& p, const AttentionHead& h, float* s, int64_t ld,
                                        int64_t i, int64_t rows, int64_t j, int64_t n, float* peak, float* total,
                                        float* keep) {
  for (int64_t r = 0; r < rows; r++) {
    float* row = s + r * ld;
    if (p.mask != static_cast<int32_t>(AttentionMask::none)) maskRow(row, n, maskOf(p, h, i + r, j));
    for (int64_t c = keysSeen(p, i + r, j, n); c < n; c++) row[c] = -__builtin_inff();
  }
  softenRows(s, ld, rows, n, peak + i, total + i, keep);
}

// Rows that no key takes part in: nothing was written where a strip saw no key, and zeros may be wanted.
DSNK_SMALL_CODE static void finishRows(const AttentionParams& p, const AttentionHead& h, int64_t i, int64_t end,
                                       const float* total) {
  for (; i < end; i++) {
    const bool unseen = keysSeen(p, i, 0, p.keys) == 0;
    if (!unseen && !rowVanishes(p, total[i])) continue;
    // without keys there are no weights either, and the sum of nothing is zero
    const float none = p.keys == 0 || rowVanishes(p, total[i]) ? 0.0f : __builtin_nanf("");
    for (int64_t d = 0; d < p.depth; d++) h.y[i * p.rowY + d] = none;
  }
}

// Rows [i, i + rows) against the block of keys at j. `packed`: its panels, keys first; nullptr reads k and v as they
// lie.
DSNK_SMALL_CODE static void attentionStrip(const AttentionParams& p, const AttentionHead& h, int64_t i, int64_t rows,
                                           int64_t j, int64_t inBlock, const AttentionScratch& at, float* scratch) {
  const int64_t n = keysSeen(p, i + rows - 1, j, inBlock), ld = attentionScoreRow(attentionBlock(p));
  if (n == 0) return;
  const bool last = j + inBlock >= p.keys || keysSeen(p, i + rows - 1, j + inBlock, 1) == 0;
  float *s = scratch + at.scores, *peak = scratch + at.peak, *total = scratch + at.total;
  float keep[kStripRows], inverse[kStripRows];
  const bool few = p.rows <= kAttentionFewRows;
  const float *q = h.q + i * p.rowQ, *k = h.k + j * p.rowK;
  if (few) {
    kFewScores[rows - 1](q, p.rowQ, k, p.rowK, n, p.width, p.scale, s, ld);
  } else {
    attentionProduct(true, {q, p.rowQ, scratch, p.width, s, ld, 0, p.scale, nullptr, nullptr}, rows, n, p.width * kNr);
  }
  softenStrip(p, h, s, ld, i, rows, j, n, peak, total, keep);
  for (int64_t r = 0; r < rows; r++) inverse[r] = 1.0f / total[i + r];
  AttentionTile g{
      s, ld, scratch + at.values, n, h.y + i * p.rowY, p.rowY, 0, 0, j == 0 ? nullptr : keep, last ? inverse : nullptr};
  if (few) {
    g.b = h.v + j * p.rowV;
    kFewValues[rows - 1](g, p.rowV, p.depth);
  } else {
    attentionProduct(false, g, rows, p.depth, inBlock * kNr);
  }
}

// Strips [strips.begin, strips.end) of one outer index.
DSNK_SMALL_CODE static void attentionStrips(const AttentionParams& p, const AttentionHead& h, Range strips,
                                            uint32_t stripCount, float* scratch) {
  const AttentionScratch at = attentionScratch(p);
  const int64_t block = attentionBlock(p);
  float *peak = scratch + at.peak, *total = scratch + at.total;
  const int64_t firstRow = tileRange(p.rows, static_cast<uint32_t>(strips.begin), stripCount).begin;
  const int64_t endRow = tileRange(p.rows, static_cast<uint32_t>(strips.end - 1), stripCount).end;
  for (int64_t i = firstRow; i < endRow; i++) {
    peak[i] = -__builtin_inff();
    total[i] = 0.0f;
  }
  const int64_t keys = keysSeen(p, endRow - 1, 0, p.keys);  // that any of these queries sees
  for (int64_t j = 0; j < keys; j += block) {
    const int64_t inBlock = p.keys - j < block ? p.keys - j : block;
    if (p.rows > kAttentionFewRows) {
      packKeys(h.k + j * p.rowK, p.rowK, inBlock, p.width, scratch);
      packValues(h.v + j * p.rowV, p.rowV, inBlock, p.depth, scratch + at.values);
    }
    for (int64_t strip = strips.begin; strip < strips.end; strip++) {
      const Range range = tileRange(p.rows, static_cast<uint32_t>(strip), stripCount);
      attentionStrip(p, h, range.begin, range.end - range.begin, j, inBlock, at, scratch);
    }
  }
  finishRows(p, h, firstRow, endRow, total);
}

DSNK_SMALL_CODE static Fault attentionRun(const Work& w) {
  const auto& p = w.as<AttentionParams>();
  const auto stripCount = static_cast<uint32_t>(ceilDiv(p.rows, kStripRows));
  const int64_t strips = stripCount;
  const Range units = tileRange(attentionBatch(p) * strips, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end;) {
    const int64_t b = u / strips, first = u % strips;
    const int64_t count = units.end - u < strips - first ? units.end - u : strips - first;
    const int64_t mask = p.offsetMask + attentionOffset(p, p.strideMask, b);
    const bool adds = p.mask == static_cast<int32_t>(AttentionMask::add);
    const bool keeps = !adds && p.mask != static_cast<int32_t>(AttentionMask::none);
    const AttentionHead h{w.at<const float>(1) + p.offsetQ + attentionOffset(p, p.strideQ, b),
                          w.at<const float>(2) + p.offsetK + attentionOffset(p, p.strideK, b),
                          w.at<const float>(3) + p.offsetV + attentionOffset(p, p.strideV, b),
                          adds ? w.at<const float>(4) + mask : nullptr,
                          keeps ? w.at<const uint8_t>(4) + mask : nullptr,
                          w.at<float>(0) + attentionOffset(p, p.strideY, b)};
    attentionStrips(p, h, {first, first + count}, stripCount, reinterpret_cast<float*>(w.scratch));
    u += count;
  }
  return Fault::none;
}
