// average.inl in vectors of the types of lanes-<isa>.inl.

// V::channels from channel c on.
template <class V, bool whole>
static void averageLanes(const BytePoolParams& p, const AverageRow& u, int64_t c, int n) {
  const ByteRange range(p.zero, p.low, p.high);
  float multipliers[4 * V::distance];
  float last = 0;
  for (int64_t o = 0; o < p.outSize[2]; o++) {
    const Window w = windowOf(p, 2, o);
    int64_t inside = 0;
    const float count = countOf(p, u, w, inside);
    if (count != last) {
      for (float& m : multipliers) m = p.ratio / count;
      last = count;
    }
    V sums[4] = {V::none(), V::none(), V::none(), V::none()};
    V halves[2] = {V::none(), V::none()};
    int pending = 0;
    eachTap(p, u, w, [&](const uint8_t* at) __attribute__((always_inline)) {
      V::addBytes(V::template load<whole>(at + c, n), halves);
      if (++pending < 256) return;
      V::addHalves(halves, sums);
      pending = 0;
    });
    V::addHalves(halves, sums);
    const auto zeros = static_cast<int32_t>(static_cast<uint32_t>(inside) * static_cast<uint32_t>(p.xZero));
    for (V& s : sums) s = V::less(s, zeros);
    V::bytesOf(sums, multipliers, range).template store<whole>(u.y + o * p.ldc + c, n);
  }
}

// Wide::channels as long as there are so many, then V::channels.
template <class Wide, class V>
static Fault integerAverage(const Work& work) {
  return averageRows(work, [](const BytePoolParams& p, const AverageRow& u) {
    int64_t c = 0;
    for (; c + Wide::channels <= u.n; c += Wide::channels) averageLanes<Wide, true>(p, u, c, Wide::channels);
    if constexpr (Wide::channels != V::channels) {
      for (; c + V::channels <= u.n; c += V::channels) averageLanes<V, true>(p, u, c, V::channels);
    }
    if (c < u.n) averageLanes<V, false>(p, u, c, static_cast<int>(u.n - c));
  });
}
