// Computes  what integer/product.inl does, over the k that a panel of weights keeps: two of every four, the same ones in all
//           of its columns
// Shapes    as there; weights packed by sparse_shared
// Numerics  exact sums that wrap
// Tiling    rows are gathered or read in place as there. The kept bytes of up to 14 rows are picked into scratch in L1 for
//           each panel (pick-bytes-<isa>.inl), and the tile of dense products runs over half the k: two shuffles for what 32
//           products of 64 bytes use. Panels pass by the rows of a tile, which stay in L1, and come from L2.
//           1x1 64→256 at 56x56, cycles of a tile of 14x32 on Zen 4: dense 448 (16 steps of 28 products) + 112 (bias,
//           requantization and stores: what is left at 4 channels) = 560; here 224 + 112 + 40 for the picks = 376, 1.49
//           times as fast, 1.67 if picks were free. Row by row, with the picks loaded again for each, these took 123:
//           1.22. Picking for the next tile before this one multiplies: no gain, they wait for no memory
// Packing   shared.h
// Source    our own

// Bytes of panels that pass by all rows: half of a 1 MB L2.
constexpr int64_t kSharedBlock = 512 * 1024;

// The kept bytes of the rows of a tile.
static void sharedPick(const uint8_t* from, int64_t fromRow, int rows, const uint8_t* picks, int64_t rowBytes,
                       uint8_t* to, int64_t toRow) {
  int64_t at = 0;
  for (; 2 * kPickBytes <= rowBytes - 2 * at; at += kPickBytes) {
    pickRows<kPickBytes>(from + 2 * at, fromRow, rows, picks + at, to + at, toRow);
  }
  if constexpr (kPickBytes > 32) {
    if (64 <= rowBytes - 2 * at) {
      pickRows<32>(from + 2 * at, fromRow, rows, picks + at, to + at, toRow);
      at += 32;
    }
  }
  if constexpr (kPickBytes > 16) {
    if (32 <= rowBytes - 2 * at) pickRows<16>(from + 2 * at, fromRow, rows, picks + at, to + at, toRow);
  }
}

// The tiles of whole panels, and of as many vectors as have columns: those of dense products.
template <class Ending>
DSNK_INLINE auto sharedTileOf(int rows, int vectors) {
  if constexpr (kPanelVectors > 2) {
    if (vectors == 4) return NarrowTilesOf<4, kMr, Ending>::row[rows];
    if (vectors == 3) return NarrowTilesOf<3, kMr, Ending>::row[rows];
  }
  if (vectors == 2) return NarrowTilesOf<2, kMr, Ending>::row[rows];
  return NarrowTilesOf<1, kMr, Ending>::row[rows];
}

// One matrix, rows × columns of it.
template <class E, class Rows>
static void sharedMatrix(const NarrowProduct& p, const Rows& source, const std::byte* b, const IntegerEnding& whole,
                         Range rows, Range columns, std::byte* scratch) {
  using Stored = typename E::Stored;
  constexpr int64_t width = sizeof(Stored);
  const int64_t k = p.k, rowBytes = sparseBlocks(k) * kSparseBlock * width, keptRow = sharedRow(k, width) * width;
  auto* gathered = reinterpret_cast<Stored*>(scratch);
  auto* kept = reinterpret_cast<uint8_t*>(scratch + p.scratchBytes());
  NarrowBlock g{};
  g.a = reinterpret_cast<const float*>(kept);
  g.stride = keptRow / 4;
  g.k = sharedDepth(k) * width / 4;
  g.first = g.last = true;
  const int64_t pieces = ceilDiv(rows.end - rows.begin, p.rowsAtOnce());
  for (int64_t piece = 0; piece < pieces; piece++) {
    const Range at = tileRange(rows.end - rows.begin, static_cast<uint32_t>(piece), static_cast<uint32_t>(pieces));
    const int64_t m0 = rows.begin + at.begin, count = at.end - at.begin;
    const auto* from = reinterpret_cast<const uint8_t*>(gathered);
    int64_t fromRow = p.rowStride() * width;
    if constexpr (Rows::mayStay) {
      if (p.inPlace) {
        from = source.from + m0 * source.stride;
        fromRow = source.stride;
      }
    }
    if (!p.inPlace) source.fill(m0, count, gathered, p.rowStride());
    const int64_t tall = ceilDiv(count, kMr), least = count / tall, taller = count % tall;
    const int64_t panelBytes = sharedPanelBytes(k, kNr, width);
    const int64_t block = kNr * (panelBytes < kSharedBlock ? kSharedBlock / panelBytes : 1);
    for (int64_t n0 = columns.begin; n0 < columns.end; n0 += block) {
      const int64_t end = columns.end - n0 < block ? columns.end : n0 + block;
      int64_t row = 0;
      for (int64_t i = 0; i < tall; i++) {
        const int height = static_cast<int>(least + (i < taller));
        for (int64_t n = n0; n < end; n += kNr) {
          const auto* picks = reinterpret_cast<const uint8_t*>(b + n / kNr * panelBytes);
          g.columns = end - n < kNr ? end - n : kNr;
          g.b = reinterpret_cast<const float*>(picks + sharedHead(k, width));
          sharedPick(from + row * fromRow, fromRow, height, picks, rowBytes, kept, keptRow);
          const int vectors = static_cast<int>(ceilDiv(g.columns, F32::lanes));
          sharedTileOf<IntegerEnding>(height, vectors)(g, whole.at(m0 + row, n));
        }
        row += height;
      }
    }
  }
}

template <class E>
static Fault sparseConvBytes(const Work& w, const IntegerRow& row) {
  const auto& p = w.as<IntegerConvolutionParams>();
  const NarrowProduct shape = sharedProductOf(p, row);
  const NarrowPart part(w, shape);
  IntegerEnding ending(p, w);
  ending.residualRow = p.outChannels;
  const int padding = takesSigned(row.isa) ? p.padding ^ kSignedZero : p.padding;
  const int64_t groupBytes = ceilDiv(shape.n, kNr) * sharedPanelBytes(shape.k, kNr, shape.bytes);
  for (int64_t group = part.batch.begin; group < part.batch.end; group++) {
    const uint8_t* x = w.at<const uint8_t>(1) + group * (p.channels / p.group);
    const std::byte* b = w.at<const std::byte>(2) + group * groupBytes;
    const IntegerEnding own = ending.at(0, group * shape.n);
    if (shape.inPlace) {
      const MatrixRows<E> source{x, p.channels, shape.k, shape.kPadded()};
      sharedMatrix<E>(shape, source, b, own, part.rows, part.columns, w.scratch);
    } else {
      const Windows<E, IntegerConvolutionParams> source{p, x, shape.kPadded(), padding};
      sharedMatrix<E>(shape, source, b, own, part.rows, part.columns, w.scratch);
    }
  }
  return Fault::none;
}
