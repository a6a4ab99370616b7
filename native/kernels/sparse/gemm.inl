// Computes  y[i,j] = ending(Σ_k a[i,k]·b[k,j]), b compressed: two of every four k of a column, and where they stand
// Shapes    a: [M, lda]; b: panels of sparse_compress; the others as gemm_f32 and gemm_i8 have them
// Numerics  floats: one chain of fma over the kept k in ascending order; bytes: exact sums that wrap. What is not kept is
//           not multiplied, so that NaN and infinities of a do not pass there
// Tiling    up to 4 rows by a panel (2 vectors) in registers. A vector of values is one load; the positions of its lanes
//           are the low bits of a word that is shifted on, and choose among the four values of a row that every
//           128-bit lane holds (picks-<isa>.inl): three vector operations for 16 or 64 products, under what memory
//           gives. Panels pass one after the other: one stream. For few rows: dense tiles multiply more at once
// Packing   layout.h
// Source    our own; the shuffle by in-lane positions after the decoding of mma.sp operands

// Most rows of one tile of registers.
constexpr int kSparseTileRows = F32::lanes == 1 ? 1 : 4;

// Bytes ahead of a panel that are fetched.
constexpr int64_t kSparseAhead = 4096;

// Rows of a with zeros up to whole blocks.
template <class Number>
static void sparseCopy(const Number* a, int64_t lda, int64_t rows, int64_t k, unsigned flip, Number* to) {
  const int64_t stride = sparseRow(k);
  for (int64_t m = 0; m < rows; m++, a += lda, to += stride) {
    std::memcpy(to, a, static_cast<size_t>(k) * sizeof(Number));
    std::memset(to + k, 0, static_cast<size_t>(stride - k) * sizeof(Number));
    if constexpr (sizeof(Number) == 1) {
      for (int64_t i = 0; flip != 0 && i < k; i++) to[i] = static_cast<Number>(to[i] ^ flip);
    }
  }
}

// MR rows × NV vectors of a panel: E::block multiplies one block, the ending is that of dense products.
template <class E, int MR, int NV, class Ending>
__attribute__((noinline)) static void sparseTile(const typename E::Number* a, const std::byte* b, int64_t k,
                                                 const Ending& e, int64_t columns) {
  constexpr int64_t blockBytes = kNr * (4 + kSparseKept * static_cast<int64_t>(sizeof(typename E::Number)));
  Tile<MR, NV> t;
  e.begin(t, columns);
  const int64_t stride = sparseRow(k);
  for (int64_t left = sparseBlocks(k); left > 0; left--, a += kSparseBlock, b += blockBytes) {
    // A block is more lines than a prefetcher of one stream keeps ahead.
    DSNK_UNROLL for (int64_t line = 0; line < blockBytes; line += 64) __builtin_prefetch(b + kSparseAhead + line);
    I32 words[NV];
    DSNK_UNROLL for (int j = 0; j < NV; j++) words[j] = I32::load(reinterpret_cast<const int32_t*>(b) + j * F32::lanes);
    E::block(t, a, stride, words, reinterpret_cast<const float*>(b) + kNr);
  }
  e.finish(t, columns);
}

// By height for whole panels; narrower ones go row by row.
template <class E, class Ending>
struct SparseTiles {
  using Run = void (*)(const typename E::Number*, const std::byte*, int64_t, const Ending&, int64_t);
  template <int MR>
  static constexpr Run of =
      MR > kSparseTileRows ? nullptr
                           : sparseTile<E, (MR < kSparseTileRows ? MR : kSparseTileRows), kPanelVectors, Ending>;
  static constexpr Run tall[] = {nullptr, of<1>, of<2>, of<3>, of<4>};
  static Run narrow(int vectors) {
    if constexpr (kPanelVectors == 4) {
      if (vectors == 3) return sparseTile<E, 1, 3, Ending>;
      if (vectors == 2) return sparseTile<E, 1, 2, Ending>;
    }
    return sparseTile<E, 1, 1, Ending>;
  }
};

template <class E, class P, class Ending>
static Fault sparseProduct(const Work& w, const P& p, const Ending& whole) {
  using Number = typename E::Number;
  const Range panels = tileRange(ceilDiv(p.n, kNr), w.tile, w.tiles);
  auto* rows = reinterpret_cast<Number*>(w.scratch);
  const int64_t stride = sparseRow(p.k);
  for (int64_t m0 = 0; m0 < p.m; m0 += kSparseRows) {
    const int64_t mn = p.m - m0 < kSparseRows ? p.m - m0 : kSparseRows;
    // Without k there is neither an a nor a place for it.
    if (p.k > 0) sparseCopy(w.at<const Number>(1) + m0 * p.lda, p.lda, mn, p.k, E::flip, rows);
    for (int64_t panel = panels.begin; panel < panels.end; panel++) {
      const int64_t n = panel * kNr, columns = p.n - n < kNr ? p.n - n : kNr;
      const int vectors = static_cast<int>(ceilDiv(columns, F32::lanes));
      const std::byte* b = w.at<const std::byte>(2) + panel * sparsePanelBytes(p.k, kNr, sizeof(Number));
      for (int64_t m = 0; m < mn;) {
        const int64_t left = mn - m, height = vectors < kPanelVectors  ? 1
                                              : left < kSparseTileRows ? left
                                                                       : kSparseTileRows;
        const auto run =
            vectors < kPanelVectors ? SparseTiles<E, Ending>::narrow(vectors) : SparseTiles<E, Ending>::tall[height];
        run(rows + m * stride, b, p.k, whole.at(m0 + m, n), columns);
        m += height;
      }
    }
  }
  return Fault::none;
}
