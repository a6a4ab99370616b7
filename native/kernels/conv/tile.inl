// The register tile of a convolution: MR output pixels times V vectors of output channels.
//
// Computes  t[i][column] = (first ? bias : y) + Σ_run Σ_k row(run, i)[k] · panel[run.k + k][column]
// Numerics  one fma chain in ascending k; a partial sum that passes through y is the same float again
// Tiling    AVX-512: 6x64 (24 accumulators, 4 of the panel, a broadcast; 10 loads for 24 fma), 8x48, 12x32, 12x16;
//           AVX2: 6x16, 12x8; AArch64: 8x12 and narrower, Cortex-A53 6x12, ARMv7 6x8, by the loops of gemm/lanes.inl,
//           lanes-inorder.inl and spread.inl. Not 14x32 as in GEMM: the rows of a convolution are unrelated pointers,
//           and 6 or 8 of them stay in general registers where 14 do not. Fewer rows are templates of their own, and so
//           are columns that fill half of the last vector: 144→24 at 56x56 82 % of the fma probe, before 68 %; 240→40
//           at 28x28 92 %, before 80 %.
// Source    Dukhan, The Indirect Convolution Algorithm (2019), for row pointers in place of im2col; here one list of
//           runs a block, taps that only see padding left out, and the rows of a run as long as the channels

struct TileJob {
  const ConvRun* runs;
  int runCount;
  int rowStride;            // pointers between two runs
  const float* const* row;  // [runs][rowStride]
  const float* panel;
  const int64_t* pixel;
  float* y;               // at the panel's first column
  int64_t ldc;            // elements between pixels of y
  const float* bias;      // at the panel's first column, or nullptr
  const float* residual;  // likewise
  int64_t residualStride;
  Clamp clamp;
  int columns;  // valid ones
  bool first, last;
#ifdef DSNK_KEPT
  const int32_t* kept;  // the k that the panel has, one after the other
#endif
  const std::byte* ahead;  // a line in every second step of k; anywhere where aheadStep is 0
  int64_t aheadStep;       // bytes
};

// Tiles that multiply long enough for each load to fetch what comes later: 12 and more multiply-adds of 16 lanes a step.
#ifdef DSNK_KEPT
constexpr bool kFetches = false;
#else
constexpr bool kFetches = F32::lanes == 16;
#endif
constexpr bool fetchesAhead(int rows, int vectors) { return kFetches && rows * vectors >= 12; }

// Lines that a tile fetches.
static inline int64_t linesAhead(const TileJob& j) {
  int64_t lines = 0;
  for (int r = 0; r < j.runCount; r++) lines += j.runs[r].length / 2;
  return lines;
}

#define DSNK_UNROLL _Pragma("GCC unroll 16")
#if defined(DSNK_ROW_LOOP) && !defined(DSNK_KEPT)
#include DSNK_ROW_LOOP
#endif
#ifdef DSNK_IN_ORDER
constexpr bool kInOrder = true;
#else
constexpr bool kInOrder = false;
#endif

// Columns that fill at most half of the last vector of 16 take half of its fma.
constexpr bool kHalves = kFetches;
static inline bool halfFilled(int columns, int vectors) {
  return kHalves && columns <= vectors * F32::lanes - F32::lanes / 2;
}

template <int MR, int V, bool half>
static void convTile(const TileJob& j) {
  constexpr int L = F32::lanes;
  const int tail = j.columns - (V - 1) * L;  // valid lanes of the last vector
  const bool whole = tail == L;
  F32 t[MR][V];
  if (!j.first) {
    DSNK_UNROLL for (int i = 0; i < MR; i++) {
      const float* y = j.y + j.pixel[i] * j.ldc;
      DSNK_UNROLL for (int v = 0; v < V; v++) {
        t[i][v] = v < V - 1 || whole ? F32::load(y + v * L) : F32::loadFirst(y + v * L, tail);
      }
    }
  } else {
    DSNK_UNROLL for (int v = 0; v < V; v++) {
      F32 b = F32::zero();
      if (j.bias) b = v < V - 1 || whole ? F32::load(j.bias + v * L) : F32::loadFirst(j.bias + v * L, tail);
      DSNK_UNROLL for (int i = 0; i < MR; i++) t[i][v] = b;
    }
  }
  // The lines that the tile will write and add come while it multiplies. 1x1 64→256 at 56x56: 1.19 times as fast.
  constexpr int line = L < 16 ? 16 / L : 1;  // vectors
  DSNK_UNROLL for (int i = 0; i < MR; i++) {
    const float* y = j.y + j.pixel[i] * j.ldc;
    DSNK_UNROLL for (int v = 0; v < V; v += line) __builtin_prefetch(y + v * L, /*write=*/1, 3);
  }
  if (j.last && j.residual) {
    DSNK_UNROLL for (int i = 0; i < MR; i++) {
      const float* add = j.residual + j.pixel[i] * j.residualStride;
      DSNK_UNROLL for (int v = 0; v < V; v += line) __builtin_prefetch(add + v * L, /*write=*/0, 3);
    }
  }
  [[maybe_unused]] const std::byte* ahead = j.ahead;  // row loops fetch nothing ahead
  [[maybe_unused]] const int64_t aheadStep = j.aheadStep;
  const float* const* row = j.row;
  for (int r = 0; r < j.runCount; r++, row += j.rowStride) {
    const float* a[MR];
#ifdef DSNK_KEPT
    // Two of every four; a row starts where k is 0.
    const int64_t first = j.runs[r].k;
    DSNK_UNROLL for (int i = 0; i < MR; i++) a[i] = row[i] - first;
    const float* b = j.panel + first / 2 * (V * L);
    const int64_t n = j.runs[r].length / 2;
    const int32_t* const kept = j.kept + first / 2;
    const auto inRow = [&](int64_t k) __attribute__((always_inline)) { return int64_t{kept[k]}; };
#else
    DSNK_UNROLL for (int i = 0; i < MR; i++) a[i] = row[i];
    const float* b = j.panel + int64_t{j.runs[r].k} * (V * L);
    const int64_t n = j.runs[r].length;
    [[maybe_unused]] const auto inRow = [](int64_t k) __attribute__((always_inline)) { return k; };
#endif
#if defined(DSNK_ROW_LOOP) && !defined(DSNK_KEPT)
    multiplyPanels<V * L, V>(t, a, b, 0, n);
#else
    int64_t k = 0;
    auto step = [&](int64_t at, const float* from) __attribute__((always_inline)) {
      F32 w[V];
      DSNK_UNROLL for (int v = 0; v < V; v++) w[v] = F32::load(from + v * L);
      DSNK_UNROLL for (int i = 0; i < MR; i++) {
        const F32 x = F32::set(a[i][at]);
        DSNK_UNROLL for (int v = 0; v < V; v++) {
          t[i][v] = half && v == V - 1 ? fmaLow(x, w[v], t[i][v]) : fma(x, w[v], t[i][v]);
        }
      }
    };
    for (; k + 2 <= n; k += 2, b += 2 * V * L) {
      if constexpr (fetchesAhead(MR, V)) {
        __builtin_prefetch(ahead, /*write=*/0, 2);
        ahead += aheadStep;
      }
      step(inRow(k), b);
      step(inRow(k + 1), b + V * L);
    }
    if (k < n) step(inRow(k), b);
#endif
  }
  if (j.last) {
    if (j.residual) {
      DSNK_UNROLL for (int i = 0; i < MR; i++) {
        const float* add = j.residual + j.pixel[i] * j.residualStride;
        DSNK_UNROLL for (int v = 0; v < V; v++) {
          t[i][v] = t[i][v] + (v < V - 1 || whole ? F32::load(add + v * L) : F32::loadFirst(add + v * L, tail));
        }
      }
    }
    j.clamp(t);
  }
  // Vector stores may lie anywhere for the compiler: what they need is read before them.
  const int64_t ldc = j.ldc;
  float* const base = j.y;
  int64_t pixel[MR];
  DSNK_UNROLL for (int i = 0; i < MR; i++) pixel[i] = j.pixel[i] * ldc;
  DSNK_UNROLL for (int i = 0; i < MR; i++) {
    float* y = base + pixel[i];
    DSNK_UNROLL for (int v = 0; v < V - 1; v++) t[i][v].store(y + v * L);
    if (whole)
      t[i][V - 1].store(y + (V - 1) * L);
    else
      t[i][V - 1].storeFirst(y + (V - 1) * L, tail);
  }
}
#undef DSNK_UNROLL

using TileFunction = void (*)(const TileJob&);

// Tiles of V vectors by number of rows; the most rows are those of convRows for panels no wider than V.
template <int V, bool half>
struct Tiles {
  static constexpr int most = convRows(F32::lanes, V, kInOrder);
  TileFunction of[most + 1] = {};
  template <int MR>
  constexpr void add() {
    of[MR] = &convTile<MR, V, half>;
    if constexpr (MR > 1) add<MR - 1>();
  }
  constexpr Tiles() { add<most>(); }
};

template <bool half>
static TileFunction tileOf(int rows, int vectors) {
  static constexpr Tiles<1, half> one;
  static constexpr Tiles<2, half> two;
  if constexpr (kVectors > 2) {
    static constexpr Tiles<3, half> three;
    if (vectors == 3) return three.of[rows];
  }
  if constexpr (kVectors > 3) {
    static constexpr Tiles<4, half> four;
    if (vectors == 4) return four.of[rows];
  }
  return vectors == 1 ? one.of[rows] : two.of[rows];
}

static TileFunction tileFor(int rows, int vectors, bool half = false) {
  if constexpr (kHalves) {
    if (half) return tileOf<true>(rows, vectors);
  }
  return tileOf<false>(rows, vectors);
}
