// average.inl in plain C++: the definition.

static Fault integerAverage(const Work& work) {
  return averageRows(work, [](const BytePoolParams& p, const AverageRow& u) {
    const ByteRange range(p.zero, p.low, p.high);
    for (int64_t o = 0; o < p.outSize[2]; o++) {
      const Window w = windowOf(p, 2, o);
      int64_t inside = 0;
      const F32 m = F32::set(p.ratio / countOf(p, u, w, inside));
      uint32_t sums[kPoolChannels] = {};
      eachTap(p, u, w, [&](const uint8_t* at) {
        for (int c = 0; c < u.n; c++) sums[c] += at[c];
      });
      for (int c = 0; c < u.n; c++) {
        const uint32_t sum = sums[c] - static_cast<uint32_t>(inside) * static_cast<uint32_t>(p.xZero);
        storeVector(roundBytes(toF32(I32::set(static_cast<int32_t>(sum))) * m), u.y + o * p.ldc + c, 1, range);
      }
    }
  });
}
