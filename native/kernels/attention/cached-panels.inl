// Attention over a cache for many queries: blocks of tokens become panels of floats once for all heads of the group, and
// strips of queries are multiplied with them as in attention.inl. Partial sums of y lie in y.

struct CachedStrips {
  using O = CachedOperand;
  const Work& w;
  const CachedLoops& loops;
  const CachedAttentionParams& p;
  CachedPanels at;
  float* scratch;
  uint32_t strips;  // of a head

  CachedStrips(const Work& work, const CachedLoops& type)
      : w(work),
        loops(type),
        p(work.as<CachedAttentionParams>()),
        at(cachedPanels(p)),
        scratch(reinterpret_cast<float*>(work.scratch)),
        strips(static_cast<uint32_t>(ceilDiv(p.rows, kStripRows))) {}

  float* outputOf(int64_t b, int64_t head, int64_t i) const {
    return w.at<float>(O::y) + b * p.strideY[0] + i * p.strideY[1] + head * p.strideY[2];
  }

  // Panels of tokens [t, t + n); columns behind the last one are zeros in K.
  DSNK_SMALL_CODE Fault pack(const CacheHead<CachedAttentionParams>& head, int64_t t, int64_t n) const {
    const auto* k = w.at<const std::byte>(O::k);
    const auto* v = w.at<const std::byte>(O::v);
    const auto* kScales = loops.scaled ? w.at<const float>(O::kScales) : nullptr;
    const auto* vScales = loops.scaled ? w.at<const float>(O::vScales) : nullptr;
    const int64_t rowWide = roundUp(p.width, 16), block = cachedBlock(p);
    for (int64_t j = 0; j < n; j++) {
      const int64_t row = head.rowOf(t + j);
      if (row < 0) return Fault::indexOutOfRange;
      loops.widen(k + row * p.width * loops.elementBytes, p.width, kScales == nullptr ? 1.0f : kScales[row],
                  scratch + at.wide + j % kNr * rowWide);
      if (j % kNr == kNr - 1 || j == n - 1) {
        packKeys(scratch + at.wide, rowWide, j % kNr + 1, p.width, scratch + at.keys + j / kNr * p.width * kNr);
      }
      for (int64_t d = 0; d < p.depth; d += kNr) {
        const int64_t columns = p.depth - d < kNr ? p.depth - d : kNr;
        float* to = scratch + at.values + d * block + j * kNr;
        loops.widen(v + (row * p.depth + d) * loops.elementBytes, columns, vScales == nullptr ? 1.0f : vScales[row],
                    to);
        for (int64_t c = columns; c < kNr; c++) to[c] = 0.0f;
      }
    }
    return Fault::none;
  }

  // Queries [i, i + rows) of one head against the block of n tokens at t.
  DSNK_SMALL_CODE void strip(int64_t b, int64_t head, int64_t i, int64_t rows, int64_t total, int64_t t, int64_t n,
                             float* peak, float* sum) const {
    const int64_t end = cachedSeen(p, total, i + rows - 1).end - t, begin = cachedSeen(p, total, i).begin - t;
    const int64_t from = begin < 0 ? 0 : begin / kNr * kNr, columns = (end < n ? end : n) - from;
    if (columns <= 0) return;
    float* s = scratch + at.scores;
    const int64_t ld = attentionScoreRow(cachedBlock(p));
    const float* q = w.at<const float>(O::q) + b * p.strideQ[0] + i * p.strideQ[1] + head * p.strideQ[2];
    const float* keys = scratch + at.keys + from * p.width;
    attentionProduct(true, {q, p.strideQ[1], keys, p.width, s, ld, 0, p.scale, nullptr, nullptr}, rows, columns,
                     p.width * kNr);
    for (int64_t r = 0; r < rows; r++) {
      changeScores(s + r * ld, columns, scoreChanges(w, {b, head, i + r}, total, t + from, nullptr));
    }
    float keep[kStripRows];
    softenRows(s, ld, rows, columns, peak, sum, keep);
    attentionProduct(
        false,
        {s, ld, scratch + at.values + from * kNr, columns, outputOf(b, head, i), p.strideY[1], 0, 0, keep, nullptr},
        rows, p.depth, cachedBlock(p) * kNr);
  }

  // Strips [range.begin, range.end) of those of all heads of one group.
  DSNK_SMALL_CODE Fault group(int64_t b, int64_t h, Range range) const {
    const CachedTokens tokens = cachedTokens(p, w.at<const int32_t>(O::lengths), b);
    if (tokens.total < 0) return Fault::indexOutOfRange;
    const int64_t heads = p.heads / p.keyHeads, block = cachedBlock(p);
    const auto* sinks = w.at<const float>(O::sinks);
    const auto each = [&](auto step) {
      for (int64_t s = range.begin; s < range.end; s++) {
        const Range rows = tileRange(p.rows, static_cast<uint32_t>(s % strips), strips);
        const int64_t at0 = s / strips * p.rows + rows.begin;
        step(h * heads + s / strips, rows, scratch + at.peak + at0, scratch + at.total + at0);
      }
    };
    each([&](int64_t head, Range rows, float* peak, float* sum) {
      for (int64_t i = rows.begin; i < rows.end; i++) {
        peak[i - rows.begin] = sinks == nullptr ? -__builtin_inff() : sinks[head];
        sum[i - rows.begin] = sinks == nullptr ? 0.0f : 1.0f;
        float* y = outputOf(b, head, i);
        for (int64_t d = 0; d < p.depth; d++) y[d] = 0.0f;
      }
    });
    for (int64_t t = tokens.first; t < tokens.total; t += block) {
      const int64_t n = tokens.total - t < block ? tokens.total - t : block;
      const Fault fault = pack(cacheHead(p, w.at<const int32_t>(O::pages), b, h), t, n);
      if (fault != Fault::none) return fault;
      each([&](int64_t head, Range rows, float* peak, float* sum) {
        strip(b, head, rows.begin, rows.end - rows.begin, tokens.total, t, n, peak, sum);
      });
    }
    each([&](int64_t head, Range rows, float* peak, float* sum) {
      for (int64_t i = rows.begin; i < rows.end; i++) {
        float* y = outputOf(b, head, i);
        finishSums(p, {y, peak + (i - rows.begin), sum + (i - rows.begin)}, y);
      }
    });
    return Fault::none;
  }
};

DSNK_SMALL_CODE static Fault cachedStrips(const Work& w, const CachedLoops& loops) {
  const CachedStrips work(w, loops);
  const auto& p = work.p;
  const int64_t each = static_cast<int64_t>(work.strips) * (p.heads / p.keyHeads);
  const Range units = tileRange(p.batch * p.keyHeads * each, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end;) {
    const int64_t g = u / each, first = u % each;
    const int64_t count = units.end - u < each - first ? units.end - u : each - first;
    const Fault fault = work.group(g / p.keyHeads, g % p.keyHeads, {first, first + count});
    if (fault != Fault::none) return fault;
    u += count;
  }
  return Fault::none;
}

template <class Stored>
static Fault cachedRun(const Work& w) {
  const CachedLoops& loops = kCachedLoops<Stored>;
  return cachedPacks(w.as<CachedAttentionParams>()) ? cachedStrips(w, loops) : cachedFew(w, loops);
}

DSNK_SMALL_CODE static Fault mergeRun(const Work& w) {
  const auto& p = w.as<CachedAttentionParams>();
  const float* sinks = w.at<const float>(3);
  const int64_t splits = cachedSplits(p), record = cachedRecord(p);
  const Range units = tileRange(p.batch * p.rows * p.heads, w.tile, w.tiles);
  float peak, total;
  const CachedSum sums{reinterpret_cast<float*>(w.scratch), &peak, &total};
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t head = u % p.heads, i = u / p.heads % p.rows, b = u / p.heads / p.rows;
    const CachedTokens tokens = cachedTokens(p, w.at<const int32_t>(2), b);
    if (tokens.total < 0) return Fault::indexOutOfRange;
    startSums(sums, sinks, head, p.depth);
    const Range own = tokens.splits();
    for (int64_t s = own.begin; s < own.end; s++) {
      const float* from = w.at<const float>(1) + (u * splits + s) * record;
      mergeSums(sums, from, from[p.depth], from[p.depth + 1], p.depth);
    }
    finishSums(p, sums, w.at<float>(0) + b * p.strideY[0] + i * p.strideY[1] + head * p.strideY[2]);
  }
  return Fault::none;
}
