// Computes  y[n,oh,ow,m] = act(bias[m] + Σ_c Σ_kh Σ_kw x[n, c, oh·sh - ph + kh, ow·sw - pw + kw] · w[m,c,kh,kw])
// Shapes    y [N,OH,OW,M], pixels ldc apart; x [N,C,H,W] or [N,H,W,C], C ≤ 4; weights packed (conv/pack.cc); bias [M]
// Numerics  float32, one fma chain per output from bias, in the order of the packed k; |error| ≤ (K+2)·2^-24·Σ|x||w|
// Tiling    neighbouring output pixels times at most two vectors of output channels. Their windows lie `step` elements
//           apart in the same rows, so one pointer a row and constant offsets reach them all: nothing is gathered, in
//           either layout. AVX-512: 14x32 (28 sums, 2 of the panel, a broadcast; the widths of image networks are
//           multiples of 14); AVX2: 6x16 (12 sums); NEON: 12x8, on ARMv7 6x8 (of 14x8
//           clang 19 moves 19 sums from register to register in every step). Tiles that touch the padding read a copy of their rows with zeros
//           around: at most two tiles of a row.
//           Measured on one Zen 4 core, fraction of the fma probe (118 GFLOPS): 3→32 3x3 s2 84 %, 3→64 7x7 s2 85 %,
//           3→16 3x3 s2 73 % (a broadcast a fma), 3→24 59 % (half of the second vector is empty), 3→64 3x3 s1 45 %
//           (it writes 13 MB). Gathering 27 floats a pixel (conv.inl) took 1.7 times as long, without the transpose.
// Packing   panels of at most two vectors, k slow, columns fast
// Source    our own
#include <cstring>

#include "kernels/epilogue/clamp.inl"

#define DSNK_UNROLL _Pragma("GCC unroll 16")

struct StemJob {
  const float* const* rows;  // where the window of the tile's first pixel begins in every row
  int64_t rowCount, run;
  const float* panel;
  const float* bias;  // at the panel's first column, or nullptr
  float* y;           // at the tile's first pixel and the panel's first column
  int64_t ldc;
  Clamp clamp;
  int columns;  // valid ones
};

template <int S, int MR, int V, bool half>
static void stemTile(const StemJob& j) {
  constexpr int L = F32::lanes;
  const int tail = j.columns - (V - 1) * L;  // valid lanes of the last vector
  const bool whole = tail == L;
  F32 t[MR][V];
  DSNK_UNROLL for (int v = 0; v < V; v++) {
    F32 b = F32::zero();
    if (j.bias) b = v < V - 1 || whole ? F32::load(j.bias + v * L) : F32::loadFirst(j.bias + v * L, tail);
    DSNK_UNROLL for (int i = 0; i < MR; i++) t[i][v] = b;
  }
  const float* panel = j.panel;
  for (int64_t r = 0; r < j.rowCount; r++) {
    const float* x = j.rows[r];
    for (int64_t k = 0; k < j.run; k++, x++, panel += V * L) {
#if defined(__GNUC__)
      asm("" : "+r"(x));  // else GCC sees that steps of k read elements of the steps before, and carries them along
#endif
      F32 w[V];
      DSNK_UNROLL for (int v = 0; v < V; v++) w[v] = F32::load(panel + v * L);
      DSNK_UNROLL for (int i = 0; i < MR; i++) {
        const F32 a = F32::set(x[i * S]);
        DSNK_UNROLL for (int v = 0; v < V; v++) {
          t[i][v] = half && v == V - 1 ? fmaLow(a, w[v], t[i][v]) : fma(a, w[v], t[i][v]);
        }
      }
    }
  }
  j.clamp(t);
  float* y = j.y;
  const int64_t ldc = j.ldc;
  DSNK_UNROLL for (int i = 0; i < MR; i++, y += ldc) {
    DSNK_UNROLL for (int v = 0; v < V - 1; v++) t[i][v].store(y + v * L);
    if (whole)
      t[i][V - 1].store(y + (V - 1) * L);
    else
      t[i][V - 1].storeFirst(y + (V - 1) * L, tail);
  }
}
#undef DSNK_UNROLL

using StemTile = void (*)(const StemJob&);
constexpr int kStemSizes = 5;
// Pixels of the tiles, widest first.
constexpr int kStemTile[kStemSizes] = {F32::lanes == 16         ? kStemPixels
                                       : kVectorRegisters == 32 ? 12
                                       : F32::lanes > 1         ? 6
                                                                : 4,
                                       kVectorRegisters == 32 ? 7 : 4, kVectorRegisters == 32 ? 4 : 3, 2, 1};

template <int S>
struct StemTiles {
  StemTile of[kStemSizes][4] = {};  // one vector, two; both with half of the last one
  template <int size>
  constexpr void add() {
    constexpr bool halves = F32::lanes == 16;
    of[size][0] = &stemTile<S, kStemTile[size], 1, false>;
    of[size][1] = &stemTile<S, kStemTile[size], 2, false>;
    of[size][2] = &stemTile<S, kStemTile[size], 1, halves>;
    of[size][3] = &stemTile<S, kStemTile[size], 2, halves>;
    if constexpr (size + 1 < kStemSizes) add<size + 1>();
  }
  constexpr StemTiles() { add<0>(); }
};

static StemTile stemTileFor(int64_t step, int size, int vectors, bool half) {
  static constexpr StemTiles<1> one;
  static constexpr StemTiles<2> two;
  static constexpr StemTiles<3> three;
  static constexpr StemTiles<6> six;
  const auto& tiles = step == 1 ? one.of : step == 2 ? two.of : step == 3 ? three.of : six.of;
  return tiles[size][vectors - 1 + (half ? 2 : 0)];
}

alignas(64) static const float kStemZeros[kStemSpan] = {};

// `length` elements of an input row from `first` on, which may begin before it and end behind it.
static void copyPadded(float* to, const float* row, int64_t first, int64_t length, int64_t rowLength) {
  int64_t before = first < 0 ? -first : 0;
  if (before > length) before = length;
  int64_t end = rowLength - first;
  if (end > length) end = length;
  if (end < before) end = before;
  for (int64_t i = 0; i < before; i++) to[i] = 0.0f;
  if (end > before) memcpy(to + before, row + first + before, static_cast<size_t>(end - before) * 4);
  for (int64_t i = end; i < length; i++) to[i] = 0.0f;
}

static Fault runStem(const Work& work) {
  const auto& p = work.as<StemParams>();
  const StemPlan plan(p, F32::lanes, 2);
  const float* bias = work.at<const float>(3);
  auto* copy = reinterpret_cast<float*>(work.scratch);
  const float* row[kStemRows];     // those that a row of output sees; nullptr in the padding
  const float* window[kStemRows];  // where they begin for a tile
  StemJob job{.rows = window,
              .rowCount = plan.rows,
              .run = plan.run,
              .panel = nullptr,
              .bias = nullptr,
              .y = nullptr,
              .ldc = p.ldc,
              .clamp = Clamp(p.activation, p.alpha, p.beta),
              .columns = 0};
  const Range units = tileRange(plan.units, work.tile, work.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t image = u / p.outSize[0], top = u % p.outSize[0] * p.strides[0] - p.pads[0];
    for (int64_t r = 0; r < plan.rows; r++) {
      const int64_t h = top + r % p.kernel[0];
      const int64_t at = image * plan.imageStride + r / p.kernel[0] * plan.planeStride + h * plan.rowLength;
      row[r] = h < 0 || h >= p.inSize[0] ? nullptr : work.at<const float>(1) + at;
    }
    for (int64_t panel = 0; panel < plan.panels.count; panel++) {
      const int vectors = plan.panels.width(panel);
      const int64_t column = plan.panels.startVector(panel) * F32::lanes, rest = p.outChannels - column;
      job.columns = static_cast<int>(rest < vectors * F32::lanes ? rest : vectors * F32::lanes);
      const bool half = job.columns <= vectors * F32::lanes - F32::lanes / 2;
      job.panel = work.at<const float>(2) + column * plan.depth;
      job.bias = bias ? bias + column : nullptr;
      for (int64_t o = 0; o < p.outSize[1];) {
        int size = 0;
        while (kStemTile[size] > p.outSize[1] - o) size++;
        const int pixels = kStemTile[size];
        const int64_t first = o * plan.step - plan.pad, span = (pixels - 1) * plan.step + plan.run;
        const bool inside = first >= 0 && first + span <= plan.rowLength;
        for (int64_t r = 0; r < plan.rows; r++) {
          if (row[r] == nullptr) {
            window[r] = kStemZeros;
          } else if (inside) {
            window[r] = row[r] + first;
          } else {
            copyPadded(copy + r * kStemSpan, row[r], first, span, plan.rowLength);
            window[r] = copy + r * kStemSpan;
          }
        }
        job.y = work.at<float>(0) + (u * p.outSize[1] + o) * p.ldc + column;
        stemTileFor(plan.step, size, vectors, half)(job);
        if (!isClamp(p.activation)) {
          sweepOf(p.activation)(job.y, {nullptr, p.ldc, pixels, job.columns, p.alpha, p.beta});
        }
        o += pixels;
      }
    }
  }
  return Fault::none;
}
