// Computes  what conv/conv.inl does, over the k that a panel of weights keeps: two of every four, the same ones in all of its
//           columns
// Shapes    as conv/conv.inl; weights packed by sparse_shared
// Numerics  one fma chain per output over the kept k in ascending (tap, c), starting from bias
// Tiling    that of conv/tile.inl; a step of k takes its place in the rows from a list that is read from the positions of
//           the panel for each chunk, into scratch: one load for up to 24 multiply-adds. Panels are as wide as what shares a
//           mask, 32 or 16 columns in AVX-512: 12x32 and 12x16
// Packing   shared.h
// Source    our own
static Fault sparseConv(const Work& w, int vectors) {
  const auto& p = w.as<ConvParams>();
  const ConvPlan plan(p, F32::lanes, vectors, kInOrder);
  auto* kept = reinterpret_cast<int32_t*>(w.scratch + plan.scratchBytes());
  const int64_t k = plan.depth;
  return runUnits(w, plan, indirectConv, [&](int64_t group, int64_t panel) {
    const float* at =
        w.at<const float>(2) + group * sharedFloats(k, plan.panels) + sharedPanelStart(k, plan.panels, panel);
    const auto* words = reinterpret_cast<const uint32_t*>(at);
    for (int64_t i = 0; i < k / 2; i++) kept[i] = static_cast<int32_t>(i / 2 * 4) + sharedPosition(words, i);
    return ConvWeights{at + sharedWords(k), kept};
  });
}
