// Computes  y[n,o,m] = act(bias[m] + Σ_tap Σ_c x[n, o·stride - pad + tap·dilation, g·C/G + c] · w[m,c,tap]
//           + residual[n,o,m]), o over three output coordinates; transposed: the tap sum is over the inputs i with
//           i·stride - pad + tap·dilation = o
// Shapes    y [N,OD,OH,OW,M], pixels ldc apart; x [N,D,H,W,C]; weights packed (pack.cc); bias [M]; residual as y, dense
// Numerics  float32, one fma chain per output in ascending (tap, c), starting from bias; |error| ≤ (K+3)·2^-24·Σ|x||w|
// Tiling    a chunk of ≤16 blocks of MR pixels: all panels of a group pass over it while its input rows are in L2;
//           k in steps of 1536 (384 KB of a panel in L2). See plan.h and tile.inl. A unit is (chunk, group, panel).
//           Few pixels and few panels: a chunk is one block, and all chunks pass by a panel (1152→192 at 7x7 on two
//           threads: 1.46 times as fast as on one before, 1.85 since; four chunks of 12 pixels lost a sixth on one).
//           Chunks of 1, 6 and 40 blocks in place of 16: 1x1 64→256 at 56x56 lost 30, 7 and 0 %.
//           Measured on one Zen 4 core, fraction of the fma probe (118 GFLOPS): 3x3 at 64 … 512 channels 93 … 100 %,
//           1x1 at 384 … 2048 channels 97 … 99 %, 1x1 64→256 93 %, 1x1 16→96 at 112x112 78 % (it writes 5 MB). Images
//           of few channels have a kernel of their own (stem).
// Packing   panels of nearly equal width, k slow, columns fast: the tile streams a panel front to back
// Source    see tile.inl; the walk over transposed outputs phase by phase (indirect.cc) is our own
#include "kernels/epilogue/clamp.inl"
#include "kernels/conv/tile.inl"

using Indirect = ConvChunk (*)(const ConvParams&, const ConvPlan&, const float*, int64_t, int64_t, std::byte*);

// Where the weights of a panel stand, and with DSNK_KEPT which k they are.
struct ConvWeights {
  const float* panel;
  const int32_t* kept;
};

static void convUnit(const ConvParams& p, const ConvPlan& plan, const ConvChunk& chunk, int64_t group, int64_t panel,
                     const ConvWeights& weights, const Work& w) {
  const int vectors = plan.panels.width(panel);
  const int64_t column = plan.panels.startVector(panel) * F32::lanes;
  const int64_t rest = plan.outPerGroup - column;
  const int columns = static_cast<int>(rest < vectors * F32::lanes ? rest : vectors * F32::lanes);
  const int64_t m = group * plan.outPerGroup + column;
  const float* bias = w.at<const float>(3);
  const float* residual = w.at<const float>(4);
  TileJob job{.runs = nullptr,
              .runCount = 0,
              .rowStride = chunk.rows,
              .row = nullptr,
              .panel = weights.panel,
              .pixel = nullptr,
              .y = w.at<float>(0) + m,
              .ldc = p.ldc,
              .bias = bias ? bias + m : nullptr,
              .residual = residual ? residual + m : nullptr,
              .residualStride = p.outChannels,
              .clamp = Clamp(p.activation, p.alpha, p.beta),
              .columns = columns,
              .first = false,
              .last = false,
#ifdef DSNK_KEPT
              .kept = weights.kept,
#endif
              .ahead = w.at<const std::byte>(2),
              .aheadStep = 0};
  const int64_t steps = plan.depth > kConvDepth ? ceilDiv(plan.depth, kConvDepth) : 1;
  for (int64_t s = 0; s < steps; s++) {
    job.first = s == 0;
    job.last = s == steps - 1;
    for (int64_t b = 0; b < chunk.blocks; b++) {
      ConvBlock& block = chunk.block(b);
      const ConvRun* runs = chunk.runs(b);
      const int begin = job.first ? 0 : block.cursor;
      int end = begin;
      if (job.last)
        end = block.runs;
      else
        while (end < block.runs && runs[end].k < (s + 1) * kConvDepth) end++;
      block.cursor = end;
      job.runs = runs + begin;
      job.runCount = end - begin;
      job.row = chunk.pointers(b) + int64_t{begin} * chunk.rows;
      job.pixel = block.pixel;
      const bool fetch =
          fetchesAhead(block.rows, vectors) && w.ahead != nullptr && w.ahead->at < w.ahead->end && job.runCount > 0;
      job.ahead = fetch ? w.ahead->at : w.at<const std::byte>(2);
      job.aheadStep = fetch ? 64 : 0;
      tileFor(block.rows, vectors, halfFilled(columns, vectors))(job);
      if (fetch) w.ahead->at += job.aheadStep * linesAhead(job);
      if (job.last && !isClamp(p.activation)) {
        sweepOf(p.activation)(job.y, {block.pixel, p.ldc, block.rows, columns, p.alpha, p.beta});
      }
    }
  }
}

template <class WeightsOf>
static Fault runUnits(const Work& w, const ConvPlan& plan, Indirect indirect, const WeightsOf& weightsOf) {
  const auto& p = w.as<ConvParams>();
  const Range units = tileRange(plan.units, w.tile, w.tiles);
  ConvChunk chunk{};
  int64_t built = -1;
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t panel = plan.panel(u), outer = plan.outer(u);
    if (outer != built) {
      chunk = indirect(p, plan, w.at<const float>(1), outer / p.group, outer % p.group, w.scratch);
      built = outer;
    }
    convUnit(p, plan, chunk, outer % p.group, panel, weightsOf(outer % p.group, panel), w);
  }
  return Fault::none;
}

#ifndef DSNK_KEPT
static Fault runConv(const Work& w, Indirect indirect) {
  const ConvPlan plan(w.as<ConvParams>(), F32::lanes, kVectors, kInOrder);
  return runUnits(w, plan, indirect, [&](int64_t group, int64_t panel) {
    const int64_t column = plan.panels.startVector(panel) * F32::lanes;
    return ConvWeights{w.at<const float>(2) + group * plan.groupStride() + column * plan.depth, nullptr};
  });
}
#endif
