// Computes  y[i,j] = ending(Σ_k a[i,k]·b[k,j] + bias[j]), a unsigned and b signed bytes; a[i] is a row of a matrix or what
//           output pixel i of a convolution sees, whose surroundings are `padding`; the ending stands in ending.inl
// Shapes    a: rows of bytes; b: packed by integer_pack, which also folds a's zero point into bias [N] i32; y: bytes,
//           floats or integers, rows ldc apart; the others as ending.inl has them
// Numerics  sums in 32 bits, wrapping: no intermediate is rounded or saturated, so every row, tiling and number of
//           threads gives the same bits
// Tiling    narrow/product.h; k is not cut into blocks outside of AMX, as bytes of y hold no partial sums. A quad of k in
//           AVX-512 is 28 VPDPBUSD, 14 broadcasts and two loads, nothing spilled. The loops of ARM: lanes-dot.inl,
//           eights-i8mm.inl, sixteens-neon.inl. One filter a channel: depthwise.inl; few columns: strip.inl.
//           Measured on one Zen 4 core, fraction of the probe of VPDPBUSD (472 GOPS): 1024³ 0.99, 197x768x3072 0.94, 3x3
//           256→256 @14 0.97, 1x1 64→256 @56 0.78 (16 quads of k before an ending of six operations a vector), 16→96 @112
//           0.39 (4 quads); with a residual 64→256 @56 0.54, through finishRows 0.42. Not tried: a residual added in
//           registers, which would stand in the code of every height and width of tile
// Packing   b[K,N] as panels of nr columns in quads of k, zeros up to kr and nr; AMX has this order too:
//             b[0][0] b[1][0] b[2][0] b[3][0]  b[0][1] b[1][1] b[2][1] b[3][1] …   b[4][0] …
//           AVX2, which has no exact product of quads, in pairs of 16-bit numbers (kr 2), and so the rows of a; I8MM in
//           eights of k (kr 8), NEON without products of quads in sixteens (kr 16): as many as one instruction takes
// Source    as micro.inl; VPDPBUSD, VPMADDWD and TDPBUSD: Intel 64 and IA-32 Architectures Software Developer's Manual,
//           vol. 2; SDOT, USMMLA and SADALP: Arm Architecture Reference Manual (DDI 0487), chapter C7

template <class E, class Product>
static Fault integerGemm(const Work& w, const IntegerRow& row) {
  const auto& p = w.as<IntegerGemmParams>();
  const NarrowProduct shape = integerProductOf(p, row);
  const NarrowPart part(w, shape);
  IntegerEnding ending(p, w);
  ending.residualRow = p.residualRow;
  Product product;
  const MatrixRows<E> source{w.at<const uint8_t>(1), p.lda, p.k, shape.kPadded()};
  narrowMatrix<E>(product, shape, source, w.at<const typename E::Stored>(2), ending, part.rows, part.columns,
                  w.scratch);
  return Fault::none;
}

template <class E, class Product>
static Fault integerConv(const Work& w, const IntegerRow& row) {
  const auto& p = w.as<IntegerConvolutionParams>();
  const NarrowProduct shape = integerProductOf(p, row);
  const NarrowPart part(w, shape);
  IntegerEnding ending(p, w);
  ending.residualRow = p.outChannels;
  Product product;
  const int padding = takesSigned(row.isa) ? p.padding ^ kSignedZero : p.padding;
  for (int64_t group = part.batch.begin; group < part.batch.end; group++) {
    const uint8_t* x = w.at<const uint8_t>(1) + group * (p.channels / p.group);
    const auto* b = w.at<const typename E::Stored>(2) + group * shape.packedNumbers();
    const IntegerEnding own = ending.at(0, group * shape.n);
    if (shape.inPlace) {
      const MatrixRows<E> source{x, p.channels, shape.k, shape.kPadded()};
      narrowMatrix<E>(product, shape, source, b, own, part.rows, part.columns, w.scratch);
    } else {
      const Windows<E, IntegerConvolutionParams> source{p, x, shape.kPadded(), padding};
      narrowMatrix<E>(product, shape, source, b, own, part.rows, part.columns, w.scratch);
    }
  }
  return Fault::none;
}
