// The walk over one product in narrow numbers: rows a piece at a time, columns and k in blocks, each block by a Product
// (registers.inl, tiles.inl). Everything counts words of 32 bits: what is in them, only the element type E, the Product's
// inner step and the Ending know.
//
// E, the element type       Source: a's numbers in memory; Stored: the narrow ones; convert(from, n, to)
// Rows, where a comes from  fill(first, count, to, stride); where `mayStay`, from + i·stride for products that read it in
//                           place (rows.inl)
// Ending, what becomes of   at(row, column): the same further on; begin(tile): the sums before the first product;
// the sums                  fetch(): the lines that the end will write; finish(tile, columns): from registers;
//                           finishSums(sums, rows, columns): sums without `begin`, kTileBlock apart; partial(row):
//                           where partial sums stand, if in y

struct NarrowBlock {
  const float* a;  // words
  int64_t stride;  // words between rows of a
  int64_t rows;
  const float* b;
  int64_t panelStride;  // words
  int64_t k;            // words, a multiple of what the row takes at a time
  int64_t columns;
  bool first, last;    // of the blocks of k
  float* partial;      // sums of the blocks before
  int64_t partialRow;  // words
  float* sums;         // kTileBlock², for tiles
};

// One matrix, rows × columns of it; `whole` stands at its first row and column.
template <class E, class Product, class Rows, class Ending>
static void narrowMatrix(Product& product, const NarrowProduct& p, const Rows& source, const typename E::Stored* b,
                         const Ending& whole, Range rows, Range columns, std::byte* scratch) {
  const int64_t kPadded = p.kPadded(), stride = p.rowStride(), atOnce = p.rowsAtOnce(), perWord = p.perWord();
  // Few rows read every panel once: there is nothing to keep in a cache.
  const int64_t kBlocks = rows.end - rows.begin <= p.unitRows() || kPadded <= p.kc() ? 1 : ceilDiv(kPadded, p.kc());
  const int64_t kc = kBlocks == 1 ? kPadded : roundUp(ceilDiv(kPadded, kBlocks), p.kr);
  const int64_t nc = kBlocks == 1 ? columns.end - columns.begin : kNarrowNc;
  auto* a = reinterpret_cast<typename E::Stored*>(scratch);
  NarrowBlock g{};
  g.stride = stride / perWord;
  if constexpr (Rows::mayStay) {
    if (p.inPlace) g.stride = source.stride / perWord;
  }
  g.panelStride = p.panelStride() / perWord;
  g.sums = reinterpret_cast<float*>(scratch + p.rowBytes());
  auto* partials = reinterpret_cast<float*>(scratch + p.rowBytes() + p.sumBytes());
  // Even pieces: 250 rows of at most 126 are 125 + 125.
  const int64_t pieces = ceilDiv(rows.end - rows.begin, atOnce);
  for (int64_t piece = 0; piece < pieces; piece++) {
    const Range at = tileRange(rows.end - rows.begin, static_cast<uint32_t>(piece), static_cast<uint32_t>(pieces),
                               p.tiles() ? kTileBlock : 1);
    const int64_t m0 = rows.begin + at.begin;
    g.rows = at.end - at.begin;
    if (!p.inPlace) {
      source.fill(m0, g.rows, a, stride);
      if (p.tiles()) {  // whole tiles: rows past the last are never stored, but should not be left from another
                        // instruction
        for (int64_t i = g.rows; i < roundUp(g.rows, kTileBlock); i++) {
          for (int64_t j = 0; j < kPadded; j++) a[i * stride + j] = 0;
        }
      }
    }
    auto words = reinterpret_cast<const float*>(a);
    if constexpr (Rows::mayStay) {
      if (p.inPlace) words = reinterpret_cast<const float*>(source.from + m0 * source.stride);
    }
    for (int64_t n0 = columns.begin; n0 < columns.end; n0 += nc) {
      g.columns = columns.end - n0 < nc ? columns.end - n0 : nc;
      const Ending ending = whole.at(m0, n0);
      g.partial = p.sumsFitY ? ending.partial() : partials;
      g.partialRow = p.sumsFitY ? ending.partialRow() : kNarrowNc;
      for (int64_t block = 0; block < kBlocks; block++) {
        const int64_t k0 = block * kc;
        g.k = (kPadded - k0 < kc ? kPadded - k0 : kc) / perWord;
        g.a = words + k0 / perWord;
        g.b = reinterpret_cast<const float*>(b) + n0 / p.nr * g.panelStride + k0 / perWord * p.nr;
        g.first = block == 0;
        g.last = block == kBlocks - 1;
        product.multiply(g, ending);
      }
    }
  }
}

struct NarrowPart {
  Range batch, rows, columns;
  NarrowPart(const Work& w, const NarrowProduct& p) {
    const NarrowGrid grid = narrowGrid(p, w.tiles);
    const int64_t inN = w.tile % grid.n, inM = w.tile / grid.n % grid.m, inBatch = w.tile / grid.n / grid.m;
    batch = tileRange(p.batch, static_cast<uint32_t>(inBatch), static_cast<uint32_t>(grid.batch));
    rows = tileRange(p.m, static_cast<uint32_t>(inM), static_cast<uint32_t>(grid.m), p.unitRows());
    columns = tileRange(p.n, static_cast<uint32_t>(inN), static_cast<uint32_t>(grid.n), p.nr);
  }
};
