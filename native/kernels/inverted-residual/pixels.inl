// A 1x1 convolution of consecutive pixels: the rows of its matrix product stand side by side in memory, so it runs in
// the register tile of GEMM (14x32 on AVX-512, 6x16 on AVX2) without pointers to rows. A few blocks of rows
// pass all panels before the next ones.
#include "kernels/epilogue/clamp.inl"
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

static void runPanel(const PixelTile& g, int64_t pixels) {
  static constexpr PixelTiles<2, kMr> two;
#if defined(DSNK_HALF)
  static constexpr half::PixelTiles<1, kMr> quarter;
  static constexpr half::PixelTiles<2, kMr> one;
  static constexpr half::PixelTiles<3, kMr / 2> threeQuarters;
  if (g.columns > 24) return runPixels(two, g, pixels);
  const half::PixelTile h{g.x,           g.depth,   g.panel, g.y,    g.ldc,   g.bias, g.residual,
                          g.residualRow, g.columns, g.low,   g.high, g.lower, g.upper};
  if (g.columns > 16) return runPixels(threeQuarters, h, pixels);
  if (g.columns > 8) return runPixels(one, h, pixels);
  runPixels(quarter, h, pixels);
#else
  static constexpr PixelTiles<1, kMr> one;
  if (g.columns <= F32::lanes) return runPixels(one, g, pixels);
  if (g.columns <= 2 * F32::lanes) return runPixels(two, g, pixels);
  if constexpr (kPanelVectors > 2) {
    static constexpr PixelTiles<3, kMr> three;
    static constexpr PixelTiles<4, kMr> four;
    if (g.columns <= 3 * F32::lanes) return runPixels(three, g, pixels);
    runPixels(four, g, pixels);
  }
#endif
}

// Most blocks of rows that pass a panel before the next one.
constexpr int64_t kPixelBlocks = 8;

static void multiplyPixels(const PixelProduct& g, int64_t pixels) {
  const auto sweep = isClamp(g.activation) ? nullptr : sweepOf(g.activation);
  const bool relu = g.activation == static_cast<int32_t>(Activation::relu);
  const bool clip = g.activation == static_cast<int32_t>(Activation::clip);
  // A chunk of x stays in half of L1 (32 KB) while all panels pass over it.
  const int64_t fit = 4096 / (g.depth * kMr);
  const int64_t chunk = kMr * (fit < 1 ? 1 : fit < kPixelBlocks ? fit : kPixelBlocks);
  const int64_t chunks = ceilDiv(pixels, chunk);
  int64_t pixel = 0;
  for (int64_t b = 0; b < chunks; b++) {
    const int64_t some = pixels / chunks + (b < pixels % chunks);
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
                           .low = clip ? g.alpha : 0.0f,
                           .high = g.beta,
                           .lower = clip || relu,
                           .upper = clip};
      runPanel(tile, some);
      if (sweep != nullptr) {
        sweep(tile.y, {nullptr, g.ldc, static_cast<int>(some), static_cast<int>(tile.columns), g.alpha, g.beta});
      }
    }
    pixel += some;
  }
}
