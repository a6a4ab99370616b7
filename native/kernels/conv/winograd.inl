// Computes  y = act(x * w + bias + residual) for 3x3 filters of stride 1, by output tiles of 4x4 or 2x2: 36 products a
//           tile and channel pair in place of 144, or 16 in place of 36:  Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A, summed over
//           input channels before Aᵀ
// Shapes    y [N,OH,OW,M], pixels ldc apart; x [N,H,W,C]; weights transformed and packed (winograd.cc); bias [M]
// Numerics  float32. For 4x4 tiles the points 0, ±√½, ±√2, ∞ keep the transforms small (Bᵀ rows sum to at most 5.2, G
//           to 1.5, Aᵀ to 7.4). A term passes at most 2·4 roundings in Bᵀ, 1 in the filter, C+1 in the products (one
//           less where fma rounds once), 2·5 in Aᵀ and 2 for bias and residual, constants counted. So, without
//           underflow, with γ(n) = n·2⁻²⁴/(1 - n·2⁻²⁴),
//             |error| ≤ γ(C+22)·(M + |bias| + |residual|),
//             M = Σ_c |Aᵀ|[(|G||w||Gᵀ|) ⊙ (|Bᵀ||x||B|)]|A| ≤ 620·C·max|x|·max|w|  (24.9² at the corners of a tile)
//           and for 2x2 tiles (0, ±1, ∞; 1 rounding a pass in Bᵀ, 2 in Aᵀ) γ(C+10) and 64, where the plain sum has 9.
//           M takes in all of the tile, also pixels that this output does not read. On random inputs errors of 4x4
//           tiles are two to three times the plain sum's, those of 2x2 tiles 0.65 to 0.8 of it (shorter chains).
//           test/kernels/winograd.test.ts holds both against random and adverse inputs. Infinities spread over their
//           tile. `winograd: false` refuses these kernels.
// Tiling    a chunk of tiles whose transformed input is at most 640 KB (L2), all panels of output channels over it;
//           where panels are few more chunks, for even shares (56x56x64 on two threads: 0.43 to 0.36 ms). For each
//           point one product tiles × C × panel with the register tile of tile.inl, its sums in L2
// Packing   36 or 16 sets of panels, see winograd.cc
// Limits    images of few tiles are limited by reading the filters, which are 4 or 16/9 times as large as the plain
//           ones. Three layers in a chain on Zen 4, ms a layer, 4x4 tiles / 2x2 tiles / plain sum:
//             7x7x512    1.74 / 1.53 / 2.06, two threads 1.19 / 0.88 / 1.09    (the products of 2x2 alone: 1.33)
//             7x7x256    0.43 / 0.40 / 0.51, two threads 0.33 / 0.24 / 0.27
//             10x10x256  0.63 / 0.58 / 1.00, two threads 0.39 / 0.33 / 0.51
//             14x14x256  0.88 / 1.07 / 1.97, two threads 0.55 / 0.62 / 1.00
//             14x14x512  4.19 / 4.11 / 7.92, two threads 2.84 / 2.37 / 4.17
//             5x5x512    1.51 / 0.99 / 1.02, two threads 1.18 / 0.68 / 0.61
//           So lower takes 4x4 from 12 tiles on, else 2x2 from 12 of those on.
// Source    Lavin & Gray, Fast Algorithms for Convolutional Neural Networks (2015), F(4x4,3x3) and F(2x2,3x3), the
//           former here from other points, derived as polynomials Π(x - point); chunks in place of transforms of the
//           whole tensor are our own
#define DSNK_UNROLL _Pragma("GCC unroll 36")

constexpr float kHalfRoot = 0.70710678118654752440f, kRoot = 1.41421356237309504880f;

// t = Bᵀ d, over the points 0, 1, -1, ∞.
DSNK_INLINE void transformInput(const F32 (&d)[4], F32 (&t)[4]) {
  t[0] = d[0] - d[2];
  t[1] = d[1] + d[2];
  t[2] = d[2] - d[1];
  t[3] = d[1] - d[3];
}

// y = Aᵀ m, over the same.
DSNK_INLINE void transformSums(const F32 (&m)[4], F32 (&y)[2]) {
  y[0] = (m[0] + m[1]) + m[2];
  y[1] = (m[1] - m[2]) - m[3];
}

// t = Bᵀ d. Row of a point p: the coefficients of Π(x - other points).
DSNK_INLINE void transformInput(const F32 (&d)[6], F32 (&t)[6]) {
  const F32 two = F32::set(2.0f), half = F32::set(0.5f), sum = F32::set(2.5f);
  const F32 evenA = d[4] - two * d[2], oddA = F32::set(kHalfRoot) * (d[3] - two * d[1]);
  const F32 evenB = d[4] - half * d[2], oddB = F32::set(kRoot) * (d[3] - half * d[1]);
  t[0] = (d[0] - sum * d[2]) + d[4];
  t[1] = evenA + oddA;
  t[2] = evenA - oddA;
  t[3] = evenB + oddB;
  t[4] = evenB - oddB;
  t[5] = (d[1] - sum * d[3]) + d[5];
}

// y = Aᵀ m. Column of a point p: its powers 0 … 3.
DSNK_INLINE void transformSums(const F32 (&m)[6], F32 (&y)[4]) {
  const F32 sumA = m[1] + m[2], oddA = F32::set(kHalfRoot) * (m[1] - m[2]);
  const F32 sumB = m[3] + m[4], oddB = F32::set(kRoot) * (m[3] - m[4]);
  y[0] = (m[0] + sumA) + sumB;
  y[1] = oddA + oddB;
  y[2] = fma(F32::set(2.0f), sumB, F32::set(0.5f) * sumA);
  y[3] = fma(F32::set(2.0f), oddB, F32::set(0.5f) * oddA) + m[5];
}

// Loops of their own for whole vectors of tiles inside of the image. By llvm-mca they take the transforms on Neoverse N1
// from 0.60 (in) and 0.33 (out) of the ceiling of arithmetic to 0.70 and 0.58. Not tried on x86.
constexpr bool kWholeVectors = F32::lanes == 4;

struct WinogradTile {
  int64_t image, h, w;  // first output pixel
};

static WinogradTile winogradTile(const WinogradPlan& plan, int64_t tile) {
  return {tile / (plan.tilesH * plan.tilesW), tile / plan.tilesW % plan.tilesH * plan.side,
          tile % plan.tilesW * plan.side};
}

template <int side, bool border>
DSNK_INLINE void inputVector(const float* x, int64_t rowStride, int64_t pixelStride, const bool* rows,
                             const bool* columns, float* to, int64_t pointStride, int n) {
  const bool whole = n == F32::lanes;
  constexpr int reach = side + 2;
  F32 t[reach][reach];
  DSNK_UNROLL for (int i = 0; i < reach; i++) {
    F32 d[reach];
    DSNK_UNROLL for (int j = 0; j < reach; j++) {
      const float* at = x + i * rowStride + j * pixelStride;
      if (border && !(rows[i] && columns[j]))
        d[j] = F32::zero();
      else
        d[j] = whole ? F32::load(at) : F32::loadFirst(at, n);
    }
    transformInput(d, t[i]);
  }
  DSNK_UNROLL for (int j = 0; j < reach; j++) {
    F32 d[reach], v[reach];
    DSNK_UNROLL for (int i = 0; i < reach; i++) d[i] = t[i][j];
    transformInput(d, v);
    DSNK_UNROLL for (int i = 0; i < reach; i++) {
      float* at = to + (i * reach + j) * pointStride;
      if (whole)
        v[i].store(at);
      else
        v[i].storeFirst(at, n);
    }
  }
}

template <int side, bool border>
static void inputTile(const float* x, const ConvParams& p, const bool* rows, const bool* columns, float* to,
                      int64_t pointStride) {
  const int64_t pixelStride = p.channels, rowStride = pixelStride * p.inSize[2];
  int64_t c = 0;
  if constexpr (kWholeVectors) {
    for (; c + F32::lanes <= p.channels; c += F32::lanes) {
      inputVector<side, border>(x + c, rowStride, pixelStride, rows, columns, to + c, pointStride, F32::lanes);
    }
  }
  for (; c < p.channels; c += F32::lanes) {
    const int64_t rest = p.channels - c;
    inputVector<side, border>(x + c, rowStride, pixelStride, rows, columns, to + c, pointStride,
                              static_cast<int>(rest < F32::lanes ? rest : F32::lanes));
  }
}

// Bᵀ x B of every tile of a chunk: to[point][tile][c].
template <int side>
static void winogradInput(const ConvParams& p, const WinogradPlan& plan, Range tiles, const float* x, float* to) {
  for (int64_t i = tiles.begin; i < tiles.end; i++) {
    const WinogradTile tile = winogradTile(plan, i);
    const int64_t h = tile.h - p.pads[1], w = tile.w - p.pads[2];
    bool rows[side + 2], columns[side + 2], all = true;
    for (int k = 0; k < side + 2; k++) {
      rows[k] = h + k >= 0 && h + k < p.inSize[1];
      columns[k] = w + k >= 0 && w + k < p.inSize[2];
      all = all && rows[k] && columns[k];
    }
    const float* from = x + ((tile.image * p.inSize[1] + h) * p.inSize[2] + w) * p.channels;
    float* out = to + (i - tiles.begin) * p.channels;
    (all ? inputTile<side, false> : inputTile<side, true>)(from, p, rows, columns, out, plan.inputStride);
  }
}

// sums[point][tile][column] = Σ_c input[point][tile][c] · panel[point][c][column]
static void winogradProducts(const WinogradPlan& plan, int64_t n, const float* input, const float* panel,
                             int64_t pointStride, int vectors, float* sums) {
  const int most = convRows(F32::lanes, plan.panels.width(0), kInOrder);
  const int64_t blocks = ceilDiv(n, most), width = int64_t{vectors} * F32::lanes;
  const ConvRun run{0, static_cast<int32_t>(plan.channels)};
  const int64_t order[kConvMaxRows] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (int point = 0; point < plan.points; point++) {
    int64_t first = 0;
    for (int64_t b = 0; b < blocks; b++) {
      const int rows = static_cast<int>(n / blocks + (b < n % blocks));
      const float* row[kConvMaxRows];
      for (int i = 0; i < rows; i++) row[i] = input + point * plan.inputStride + (first + i) * plan.channels;
      const TileJob job{.runs = &run,
                        .runCount = 1,
                        .rowStride = most,
                        .row = row,
                        .panel = panel + point * pointStride,
                        .pixel = order,
                        .y = sums + point * plan.sumStride + first * width,
                        .ldc = width,
                        .bias = nullptr,
                        .residual = nullptr,
                        .residualStride = 0,
                        .clamp = Clamp(0, 0.0f, 0.0f),
                        .columns = static_cast<int>(width),
                        .first = true,
                        .last = false,
                        .ahead = reinterpret_cast<const std::byte*>(panel),
                        .aheadStep = 0};
      tileFor(rows, vectors)(job);
      first += rows;
    }
  }
}

// Aᵀ sums for one vector of columns.
template <int side>
DSNK_INLINE void halfSums(const float* sums, int64_t pointStride, F32 (&t)[side][side + 2]) {
  constexpr int reach = side + 2;
  DSNK_UNROLL for (int j = 0; j < reach; j++) {
    F32 m[reach], s[side];
    DSNK_UNROLL for (int i = 0; i < reach; i++) m[i] = F32::load(sums + (i * reach + j) * pointStride);
    transformSums(m, s);
    DSNK_UNROLL for (int i = 0; i < side; i++) t[i][j] = s[i];
  }
}

// A whole vector of columns of a tile that lies inside of the image, without a residual.
template <int side>
DSNK_INLINE void outputInside(const ConvParams& p, const float* sums, int64_t pointStride, const float* bias, float* y,
                              const Clamp& clamp) {
  F32 half[side][side + 2], t[side][side];
  halfSums<side>(sums, pointStride, half);
  DSNK_UNROLL for (int i = 0; i < side; i++) transformSums(half[i], t[i]);
  const F32 add = bias ? F32::load(bias) : F32::zero();
  DSNK_UNROLL for (int i = 0; i < side; i++) { DSNK_UNROLL for (int j = 0; j < side; j++) t[i][j] = t[i][j] + add; }
  clamp(t);
  DSNK_UNROLL for (int i = 0; i < side; i++) {
    DSNK_UNROLL for (int j = 0; j < side; j++) t[i][j].store(y + (i * int64_t{p.outSize[2]} + j) * p.ldc);
  }
}

// Aᵀ sums A, epilogue and store of the valid pixels of one tile, for one vector of columns.
template <int side>
DSNK_INLINE void outputVector(const ConvParams& p, const WinogradTile& tile, const float* sums, int64_t pointStride,
                              const float* bias, const float* residual, float* y, const Clamp& clamp, int n) {
  const bool whole = n == F32::lanes;
  constexpr int reach = side + 2;
  F32 t[side][reach];
  halfSums<side>(sums, pointStride, t);
  F32 add = F32::zero();
  if (bias) add = whole ? F32::load(bias) : F32::loadFirst(bias, n);
  DSNK_UNROLL for (int i = 0; i < side; i++) {
    F32 s[side];
    transformSums(t[i], s);
    if (tile.h + i >= p.outSize[1]) continue;
    DSNK_UNROLL for (int j = 0; j < side; j++) {
      if (tile.w + j >= p.outSize[2]) continue;
      const int64_t pixel = i * int64_t{p.outSize[2]} + j;
      F32 v = s[j] + add;
      if (residual) {
        const float* at = residual + pixel * p.outChannels;
        v = v + (whole ? F32::load(at) : F32::loadFirst(at, n));
      }
      v = clamp(v);
      if (whole)
        v.store(y + pixel * p.ldc);
      else
        v.storeFirst(y + pixel * p.ldc, n);
    }
  }
}

template <int side>
static void winogradOutput(const ConvParams& p, const WinogradPlan& plan, Range tiles, const float* sums,
                           int64_t column, int columns, int vectors, const Work& work) {
  const float* bias = work.at<const float>(3);
  const float* residual = work.at<const float>(4);
  const Clamp clamp(p.activation, p.alpha, p.beta);
  for (int64_t i = tiles.begin; i < tiles.end; i++) {
    const WinogradTile tile = winogradTile(plan, i);
    const int64_t pixel = (tile.image * p.outSize[1] + tile.h) * p.outSize[2] + tile.w;
    const float* from = sums + (i - tiles.begin) * vectors * F32::lanes;
    float* y = work.at<float>(0) + pixel * p.ldc + column;
    int c = 0;
    if (kWholeVectors && residual == nullptr && tile.h + side <= p.outSize[1] && tile.w + side <= p.outSize[2]) {
      for (; c + F32::lanes <= columns; c += F32::lanes) {
        outputInside<side>(p, from + c, plan.sumStride, bias ? bias + column + c : nullptr, y + c, clamp);
      }
    }
    for (; c < columns; c += F32::lanes) {
      const int n = columns - c < F32::lanes ? columns - c : F32::lanes;
      outputVector<side>(p, tile, from + c, plan.sumStride, bias ? bias + column + c : nullptr,
                         residual ? residual + pixel * p.outChannels + column + c : nullptr, y + c, clamp, n);
    }
    if (isClamp(p.activation)) continue;
    const int across = static_cast<int>(p.outSize[2] - tile.w < side ? p.outSize[2] - tile.w : side);
    for (int r = 0; r < side && tile.h + r < p.outSize[1]; r++) {
      sweepOf(p.activation)(y + r * int64_t{p.outSize[2]} * p.ldc, {nullptr, p.ldc, across, columns, p.alpha, p.beta});
    }
  }
}
#undef DSNK_UNROLL

template <int side>
static Fault runWinograd(const Work& w) {
  const auto& p = w.as<ConvParams>();
  const WinogradPlan plan(p, F32::lanes, kVectors, side);
  float* input = reinterpret_cast<float*>(w.scratch);
  float* sums = input + plan.points * plan.inputStride;
  const Range units = tileRange(plan.units(), w.tile, w.tiles);
  int64_t built = -1;
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t chunk = u / plan.panels.count, panel = u % plan.panels.count;
    const Range tiles = plan.chunkRange(chunk);
    if (chunk != built) winogradInput<side>(p, plan, tiles, w.at<const float>(1), input);
    built = chunk;
    const int vectors = plan.panels.width(panel);
    const int64_t column = plan.panels.startVector(panel) * F32::lanes, rest = p.outChannels - column;
    winogradProducts(plan, tiles.end - tiles.begin, input, w.at<const float>(2) + column * plan.channels,
                     plan.panels.vectors * F32::lanes * plan.channels, vectors, sums);
    winogradOutput<side>(p, plan, tiles, sums, column,
                         static_cast<int>(rest < vectors * F32::lanes ? rest : vectors * F32::lanes), vectors, w);
  }
  return Fault::none;
}
