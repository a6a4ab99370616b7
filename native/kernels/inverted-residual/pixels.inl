// A 1x1 convolution of consecutive pixels: the rows of its matrix product stand side by side in memory, so it runs in
// the register tile of GEMM (14x32 on AVX-512, 6x16 on AVX2) without pointers to rows. A block of rows passes all
// panels before the next: it stays in L1 as x, and its rows of y are written whole.
#include "kernels/conv/finish.inl"
#include "kernels/gemm/micro.inl"
#include "kernels/inverted-residual/pixel_tile.inl"

#if defined(DSNK_HALF)
// Panels whose columns fill at most three quarters of 32: with 8 lanes, two of which multiply in the time of one of 16,
// 8, 16 or 24 columns cost what they are; and two broadcasts are loaded in a cycle where one of 16 lanes is.
namespace half {
#include DSNK_HALF
#define DSNK_PANEL_VECTORS 4
#include "kernels/gemm/micro.inl"
#undef DSNK_PANEL_VECTORS
#include "kernels/inverted-residual/pixel_tile.inl"
}  // namespace half
#endif
#undef DSNK_UNROLL

struct PixelProduct {
  const float* x;  // pixels `depth` apart
  int64_t depth;
  const float* packed;  // panels of kNr columns
  float* y;
  int64_t columns, ldc;
  const float* bias;
  const float* residual;  // pixels `columns` apart
  int32_t activation;
  float alpha, beta;
};

static void runPixelTile(int rows, const PixelTile& g) {
  static constexpr PixelTiles<2, kMr> two;
#if defined(DSNK_HALF)
  static constexpr half::PixelTiles<1, kMr> quarter;
  static constexpr half::PixelTiles<2, kMr> one;
  static constexpr half::PixelTiles<3, kMr / 2> threeQuarters;
  if (g.columns > 24) return two.of[rows](g);
  half::PixelTile h{g.x, g.depth, g.panel, g.y, g.ldc, g.bias, g.residual, g.residualRow, g.columns, g.low, g.high};
  if (g.columns <= 8) return quarter.of[rows](h);
  if (g.columns <= 16) return one.of[rows](h);
  const int first = (rows + 1) / 2;
  threeQuarters.of[first](h);
  if (rows == first) return;
  h.x += first * g.depth;
  h.y += first * g.ldc;
  if (h.residual != nullptr) h.residual += first * g.residualRow;
  threeQuarters.of[rows - first](h);
#else
  static constexpr PixelTiles<1, kMr> one;
  switch (ceilDiv(g.columns, F32::lanes)) {
    case 1: return one.of[rows](g);
    case 2: return two.of[rows](g);
  }
  if constexpr (kPanelVectors > 2) {
    static constexpr PixelTiles<3, kMr> three;
    static constexpr PixelTiles<4, kMr> four;
    (ceilDiv(g.columns, F32::lanes) == 3 ? three.of : four.of)[rows](g);
  }
#endif
}

static void multiplyPixels(const PixelProduct& g, int64_t pixels) {
  const auto sweep = isClamp(g.activation) ? nullptr : sweepOf(g.activation);
  const bool relu = g.activation == static_cast<int32_t>(Activation::relu);
  const bool clip = g.activation == static_cast<int32_t>(Activation::clip);
  const float infinity = __builtin_inff();
  const int64_t blocks = ceilDiv(pixels, kMr);
  int64_t pixel = 0;
  for (int64_t b = 0; b < blocks; b++) {
    const int rows = static_cast<int>(pixels / blocks + (b < pixels % blocks));
    for (int64_t column = 0; column < g.columns; column += kNr) {
      const int64_t rest = g.columns - column;
      const PixelTile tile{.x = g.x + pixel * g.depth,
                           .depth = g.depth,
                           .panel = g.packed + column * g.depth,
                           .y = g.y + pixel * g.ldc + column,
                           .ldc = g.ldc,
                           .bias = g.bias ? g.bias + column : nullptr,
                           .residual = g.residual ? g.residual + pixel * g.columns + column : nullptr,
                           .residualRow = g.columns,
                           .columns = rest < kNr ? rest : kNr,
                           .low = clip   ? g.alpha
                                  : relu ? 0.0f
                                         : -infinity,
                           .high = clip ? g.beta : infinity};
      runPixelTile(rows, tile);
      if (sweep != nullptr) sweep(tile.y, {nullptr, g.ldc, rows, static_cast<int>(tile.columns), g.alpha, g.beta});
    }
    pixel += rows;
  }
}
