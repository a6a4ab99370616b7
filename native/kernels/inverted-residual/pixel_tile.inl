// The register tile of 1x1 convolutions of consecutive pixels: that of GEMM, with the start and the end of a
// convolution.
//
// Computes  t[r][c] = bias[c] + Σ_k x[r][k]·panel[k][c], + residual, clamped
// Numerics  the chain of conv's tile: the same bits
//
// Needs: the names of simd/vec.h, kernels/gemm/micro.inl.

struct PixelTile {
  const float* x;  // pixels `depth` apart
  int64_t depth;
  const float* panel;
  float* y;
  int64_t ldc;
  const float* bias;
  const float* residual;
  int64_t residualRow;
  int64_t columns;
  float low, high;
  bool lower, upper;  // which of them do something: on Zen 4 either costs as much as a multiply-add
};

// `blocks` times MR consecutive pixels.
template <int MR, int NV>
__attribute__((noinline)) static void pixelTile(const PixelTile& g, int64_t blocks) {
  const int last = Tile<MR, NV>::lastOf(g.columns);
  const float *x = g.x, *residual = g.residual;
  float* y = g.y;
  for (int64_t b = 0; b < blocks; b++, x += MR * g.depth, y += MR * g.ldc) {
    Tile<MR, NV> t;
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const F32 bias = g.bias ? take<NV>(g.bias + j * F32::lanes, j, last) : F32::zero();
      DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = bias;
    }
    multiplyAdd(t, StridedRows{x, g.depth}, g.panel, 0, g.depth);
    if (residual != nullptr) {
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) {
          t.v[r][j] = t.v[r][j] + take<NV>(residual + r * g.residualRow + j * F32::lanes, j, last);
        }
      }
      residual += MR * g.residualRow;
    }
    // Limits are loaded here: kept through the sum, they would spill two accumulators. The order of the operands lets
    // NaN pass.
    if (g.lower) {
      const F32 low = F32::set(g.low);
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = max(low, t.v[r][j]);
      }
    }
    if (g.upper) {
      const F32 high = F32::set(g.high);
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = min(high, t.v[r][j]);
      }
    }
    t.store(y, g.ldc, g.columns);
  }
}

using PixelFunction = void (*)(const PixelTile&, int64_t blocks);

// Tiles of NV vectors by number of rows, up to `most`.
template <int NV, int most>
struct PixelTiles {
  PixelFunction of[most + 1] = {};
  template <int MR>
  constexpr void add() {
    of[MR] = &pixelTile<MR, NV>;
    if constexpr (MR > 1) add<MR - 1>();
  }
  constexpr PixelTiles() { add<most>(); }
};

// `pixels` consecutive ones, cut evenly: a short block has too few chains to hide the latency of multiply-adds.
template <int NV, int most>
static void runPixels(const PixelTiles<NV, most>& tiles, PixelTile g, int64_t pixels) {
  const int64_t blocks = ceilDiv(pixels, most), rows = pixels / blocks, longer = pixels % blocks;
  if (longer > 0) tiles.of[rows + 1](g, longer);
  const int64_t done = longer * (rows + 1);
  g.x += done * g.depth;
  g.y += done * g.ldc;
  if (g.residual != nullptr) g.residual += done * g.residualRow;
  tiles.of[rows](g, blocks - longer);
}
