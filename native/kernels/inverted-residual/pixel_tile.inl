// The register tile of 1x1 convolutions of consecutive pixels: that of GEMM, with the start and the end of a
// convolution.
//
// Computes  t[r][c] = bias[c] + Σ_k x[r][k]·panel[k][c], + residual, clamped
// Numerics  the chain of conv's tile: the same bits
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
};

template <int MR, int NV>
__attribute__((noinline)) static void pixelTile(const PixelTile& g) {
  Tile<MR, NV> t;
  const int last = Tile<MR, NV>::lastOf(g.columns);
  DSNK_UNROLL for (int j = 0; j < NV; j++) {
    const F32 bias = g.bias ? take<NV>(g.bias + j * F32::lanes, j, last) : F32::zero();
    DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = bias;
  }
  multiplyAdd(t, StridedRows{g.x, g.depth}, g.panel, 0, g.depth);
  if (g.residual != nullptr) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        t.v[r][j] = t.v[r][j] + take<NV>(g.residual + r * g.residualRow + j * F32::lanes, j, last);
      }
    }
  }
  const F32 low = F32::set(g.low), high = F32::set(g.high);
  // The order of the operands lets NaN pass.
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = min(high, max(low, t.v[r][j]));
  }
  t.store(g.y, g.ldc, g.columns);
}

using PixelFunction = void (*)(const PixelTile&);

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
