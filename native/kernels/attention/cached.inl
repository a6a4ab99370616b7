// Computes  y[b, i, h, :] = Σ_t w[t]·v[b, h/group, t, :], w = softmax_t of the scores of lib/kernels/cache.ts
// Shapes    q, y: [batch, rows, heads, width | depth] by strides; k, v: caches of one type, f32, f16, bf16 or i8 with a
//           scale a token, contiguous or in pages of 64 tokens (cache.h). How many tokens there are, and in which
//           pages, comes from memory: a length or page outside of the cache is a fault
// Numerics  scores: q·scale in float, then a chain of fma in each lane over the width, then the sum of the lanes; of i8
//           times the scale of the token. Weights as in attention.inl; those of i8 times the scale of the token before
//           they meet v. Within a split of 512 tokens one pass with a running maximum, block by block; sums of splits
//           are merged in their order, m' = max(m₁, m₂), y' = y₁·e^(m₁-m') + y₂·e^(m₂-m'): the same operations whether
//           one tile takes all splits of a head or attention_merge puts them together
// Tiling    a unit is one head of the cache, or one of its splits, for all queries of its group, so that memory gives
//           each token once. A block of 64 tokens: scores of 4 queries × 4 tokens in registers (4 × 2 with 16
//           registers), the softmax, sums of 4 queries × 4 vectors (4 × 2); what further queries read again lies in L1.
//           AVX-512 on Zen 4, one thread, 32 heads on 8 of 128 x 8192 tokens, each after a plain read of the same memory:
//           f32 0.81 to 0.99 of that read's rate (14 to 20 GB/s), f16 0.86; with all in L2 a vector of K or V takes 6.2
//           cycles in f16, four of them FMAs, and 3.9 in bytes (VNNI), two of them products; of those 1.2 are the softmax.
//           Bytes by way of floats take 6.6. Without asking for memory ahead f32 had 0.7 of this rate; asking for it into
//           L1 instead of L2 0.66
// Packing   none: the tokens are read as append left them
// Source    Dao et al., Flash-Decoding for long-context inference (2023), for splits and their merging; sizes our own

DSNK_SMALL_CODE static void onRows(const CachedLoops::Step (&step)[2], CachedBlock g, int64_t rows) {
  while (rows > 0) {
    const int64_t n = rows >= kCachedHeight ? kCachedHeight : 1;
    step[n > 1](g);
    g.q += n * g.rowQ;
    g.codes += n * g.rowQ * 4;
    g.s += n * kCachedScoreRow;
    g.o += n * g.rowO;
    g.keep += n;
    g.aheadK = g.aheadV = nullptr;
    rows -= n;
  }
}

// What changes the scores of a row after the product: all operands of one query head.
struct ScoreChanges {
  const float* scales;  // of the tokens; nullptr where the cache has none
  float softcap;
  const float* bias;  // of the first token, nullptr where there is none
  int64_t columnBias;
  float slope, position;  // slope 0: none; position of the first token, seen from the query
  int64_t begin, end;     // tokens of the block that the query sees
};

static void multiplyRow(float* s, const float* by, int64_t n) {
  int64_t j = 0;
  for (; j + F32::lanes <= n; j += F32::lanes) (F32::load(s + j) * F32::load(by + j)).store(s + j);
  if (j < n) (F32::load(s + j) * F32::loadFirst(by + j, static_cast<int>(n - j))).store(s + j);
}

DSNK_SMALL_CODE static void changeScores(float* s, int64_t n, const ScoreChanges& g) {
  if (g.scales != nullptr) multiplyRow(s, g.scales, n);
  if (g.softcap > 0.0f) {
    const F32 cap = F32::set(g.softcap);
    // rows have room for whole vectors
    for (int64_t j = 0; j < n; j += F32::lanes) (cap * tanh(F32::load(s + j) / cap)).store(s + j);
  }
  if (g.bias != nullptr) maskRow(s, n, {AttentionMask::add, g.bias, nullptr, g.columnBias, 0.0f});
  if (g.slope != 0.0f) {
    for (int64_t j = 0; j < n; j++) s[j] += g.slope * (g.position + static_cast<float>(j));
  }
  for (int64_t j = 0; j < g.begin && j < n; j++) s[j] = -__builtin_inff();
  for (int64_t j = g.end < 0 ? 0 : g.end; j < n; j++) s[j] = -__builtin_inff();
}

struct CachedQuery {
  int64_t b, head, i;
};

DSNK_SMALL_CODE static ScoreChanges scoreChanges(const Work& w, const CachedQuery& q, int64_t total, int64_t t,
                                                 const float* scales) {
  const auto& p = w.as<CachedAttentionParams>();
  const auto* slopes = w.at<const float>(CachedOperand::slopes);
  const auto* bias = w.at<const float>(CachedOperand::bias);
  if (bias != nullptr) {
    bias += q.b * p.strideBias[0] + q.head * p.strideBias[1] + q.i * p.strideBias[2] + t * p.columnBias;
  }
  const Range seen = cachedSeen(p, total, q.i);
  return {scales,
          p.softcap,
          bias,
          p.columnBias,
          slopes == nullptr ? 0.0f : slopes[q.head],
          static_cast<float>(t - (total - p.rows + q.i)),
          seen.begin - t,
          seen.end - t};
}

static float expOf(float x) {
  float lane[F32::lanes];
  exp(F32::set(x)).store(lane);
  return lane[0];
}

// Sums of one query over some tokens: y without its divisor, in whole vectors, the largest score, the sum of weights.
struct CachedSum {
  float* o;
  float *peak, *total;
};

DSNK_SMALL_CODE static void mergeSums(const CachedSum& to, const float* o, float peak, float total, int64_t depth) {
  const float before = *to.peak, top = peak > before ? peak : before;
  const float a = before == -__builtin_inff() ? 0.0f : expOf(before - top);
  const float b = peak == -__builtin_inff() ? 0.0f : expOf(peak - top);
  const F32 aa = F32::set(a), bb = F32::set(b);
  *to.peak = top;
  *to.total = *to.total * a + total * b;
  for (int64_t d = 0; d < depth; d += F32::lanes) {
    fma(F32::load(to.o + d), aa, F32::load(o + d) * bb).store(to.o + d);
  }
}

DSNK_SMALL_CODE static void startSums(const CachedSum& to, const float* sinks, int64_t head, int64_t depth) {
  *to.peak = sinks == nullptr ? -__builtin_inff() : sinks[head];
  *to.total = sinks == nullptr ? 0.0f : 1.0f;
  for (int64_t d = 0; d < depth; d += F32::lanes) F32::zero().store(to.o + d);
}

DSNK_SMALL_CODE static void finishSums(const CachedAttentionParams& p, const CachedSum& from, float* y) {
  const auto empty = static_cast<AttentionEmpty>(p.empty);
  const float total = *from.total;
  const bool vanishes =
      (empty == AttentionEmpty::zero && total == 0.0f) || (empty == AttentionEmpty::zeroNan && !(total > 0.0f));
  const float inverse = 1.0f / total;
  for (int64_t d = 0; d < p.depth; d++) y[d] = vanishes ? 0.0f : from.o[d] * inverse;
}

// One head of the cache for all queries of its group.
struct CachedGroup {
  using O = CachedOperand;
  const Work& w;
  const CachedLoops& loops;
  const CachedAttentionParams& p;
  int64_t b, h;
  CachedTokens tokens;
  CachedScratch at;
  float* scratch;

  CachedGroup(const Work& work, const CachedLoops& type, int64_t batch, int64_t head, CachedTokens seen)
      : w(work),
        loops(type),
        p(work.as<CachedAttentionParams>()),
        b(batch),
        h(head),
        tokens(seen),
        at(cachedScratch(p)),
        scratch(reinterpret_cast<float*>(work.scratch)) {}

  int64_t headOf(int64_t r) const { return h * (p.heads / p.keyHeads) + r / p.rows; }

  // Queries times scale, zeros behind their width.
  DSNK_SMALL_CODE void takeQueries() const {
    const int64_t rows = cachedRows(p), padded = cachedPaddedRows(p);
    for (int64_t r = 0; r < padded; r++) {
      float* to = scratch + r * at.rowQ;
      const int64_t i = r % p.rows;
      const float* q = w.at<const float>(O::q) + b * p.strideQ[0] + i * p.strideQ[1] + headOf(r) * p.strideQ[2];
      for (int64_t d = 0; d < at.rowQ; d++) to[d] = r < rows && d < p.width ? q[d] * p.scale : 0.0f;
      if (loops.prepare != nullptr) {
        loops.prepare(to, at.rowQ, reinterpret_cast<std::byte*>(scratch + at.codes + r * at.rowQ));
      }
    }
  }

  // Scores to weights in place, of tokens [t, t + n).
  DSNK_SMALL_CODE void soften(int64_t t, int64_t n, const float* kScales, const float* vScales) const {
    const int64_t rows = cachedRows(p);
    for (int64_t r = 0; r < rows; r++) {
      changeScores(scratch + at.scores + r * kCachedScoreRow, n,
                   scoreChanges(w, {b, headOf(r), r % p.rows}, tokens.total, t, kScales));
    }
    softenRows(scratch + at.scores, kCachedScoreRow, rows, n, scratch + at.peak, scratch + at.total, scratch + at.keep);
    if (vScales == nullptr) return;
    for (int64_t r = 0; r < rows; r++) {
      multiplyRow(scratch + at.scores + r * kCachedScoreRow, vScales, n);
    }
  }

  // The sums of one split.
  DSNK_SMALL_CODE Fault split(int64_t index) const {
    const int64_t padded = cachedPaddedRows(p);
    for (int64_t r = 0; r < padded; r++) {
      scratch[at.peak + r] = -__builtin_inff();
      scratch[at.total + r] = 0.0f;
      scratch[at.keep + r] = 0.0f;
    }
    for (int64_t d = 0; d < padded * at.rowO; d++) scratch[at.sums + d] = 0.0f;
    const int32_t* pages = w.at<const int32_t>(O::pages);
    const auto head = cacheHead(p, pages, b, h);
    const int64_t begin = index * kCacheSplit, end = begin + kCacheSplit;
    const int64_t first = tokens.first > begin ? tokens.first : begin, last = tokens.total < end ? tokens.total : end;
    for (int64_t t = first; t < last;) {
      const int64_t pageEnd = (t / kCachePage + 1) * kCachePage, n = (last < pageEnd ? last : pageEnd) - t;
      const int64_t row = head.rowOf(t);
      if (row < 0) return Fault::indexOutOfRange;
      const auto *k = w.at<const std::byte>(O::k), *v = w.at<const std::byte>(O::v);
      const int64_t bytesK = p.width * loops.elementBytes, bytesV = p.depth * loops.elementBytes;
      const int64_t next = t + n < tokens.total ? head.rowOf(t + n) : -1;
      const CachedBlock g{k + row * bytesK,
                          v + row * bytesV,
                          n,
                          p.width,
                          p.depth,
                          scratch,
                          reinterpret_cast<const std::byte*>(scratch + at.codes),
                          scratch + at.scores,
                          scratch + at.sums,
                          scratch + at.keep,
                          at.rowQ,
                          at.rowO,
                          v + row * bytesV,
                          next < 0 ? nullptr : k + next * bytesK,
                          bytesV,
                          bytesK};
      onRows(loops.scores, g, padded);
      soften(t, n, loops.scaled ? w.at<const float>(O::kScales) + row : nullptr,
             loops.scaled ? w.at<const float>(O::vScales) + row : nullptr);
      onRows(loops.sums, g, padded);
      t += n;
    }
    for (int64_t r = 0; loops.settle != nullptr && r < padded; r++)
      loops.settle(scratch + at.sums + r * at.rowO, p.depth);
    return Fault::none;
  }

  CachedSum merged(int64_t r) const {
    return {scratch + at.merged + r * at.rowO, scratch + at.mergedPeak + r, scratch + at.mergedTotal + r};
  }

  // All splits, and y.
  DSNK_SMALL_CODE Fault all() const {
    const int64_t rows = cachedRows(p);
    const float* sinks = w.at<const float>(O::sinks);
    takeQueries();
    for (int64_t r = 0; r < rows; r++) startSums(merged(r), sinks, headOf(r), p.depth);
    const Range splits = tokens.splits();
    for (int64_t s = splits.begin; s < splits.end; s++) {
      const Fault fault = split(s);
      if (fault != Fault::none) return fault;
      for (int64_t r = 0; r < rows; r++) {
        mergeSums(merged(r), scratch + at.sums + r * at.rowO, scratch[at.peak + r], scratch[at.total + r], p.depth);
      }
    }
    for (int64_t r = 0; r < rows; r++) {
      finishSums(p, merged(r),
                 w.at<float>(O::y) + b * p.strideY[0] + r % p.rows * p.strideY[1] + headOf(r) * p.strideY[2]);
    }
    return Fault::none;
  }

  // Splits [from, to), each as a record for attention_merge.
  DSNK_SMALL_CODE Fault records(int64_t from, int64_t to) const {
    takeQueries();
    const int64_t rows = cachedRows(p);
    for (int64_t s = from; s < to; s++) {
      const Fault fault = split(s);
      if (fault != Fault::none) return fault;
      for (int64_t r = 0; r < rows; r++) {
        const int64_t query = (b * p.rows + r % p.rows) * p.heads + headOf(r);
        float* record = w.at<float>(O::y) + (query * cachedSplits(p) + s) * cachedRecord(p);
        const float* o = scratch + at.sums + r * at.rowO;
        for (int64_t d = 0; d < p.depth; d++) record[d] = o[d];
        record[p.depth] = scratch[at.peak + r];
        record[p.depth + 1] = scratch[at.total + r];
      }
    }
    return Fault::none;
  }
};

DSNK_SMALL_CODE static Fault cachedHeads(const Work& w, const CachedLoops& loops) {
  const auto& p = w.as<CachedAttentionParams>();
  const Range units = tileRange(p.batch * p.keyHeads, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const CachedTokens tokens = cachedTokens(p, w.at<const int32_t>(CachedOperand::lengths), u / p.keyHeads);
    if (tokens.total < 0) return Fault::indexOutOfRange;
    const Fault fault = CachedGroup(w, loops, u / p.keyHeads, u % p.keyHeads, tokens).all();
    if (fault != Fault::none) return fault;
  }
  return Fault::none;
}

// The splits that there are, in equal parts for the tiles: a cache is rarely full.
DSNK_SMALL_CODE static Fault cachedSplitHeads(const Work& w, const CachedLoops& loops) {
  const auto& p = w.as<CachedAttentionParams>();
  const int32_t* lengths = w.at<const int32_t>(CachedOperand::lengths);
  int64_t units = 0;
  for (int64_t b = 0; b < p.batch; b++) {
    const CachedTokens tokens = cachedTokens(p, lengths, b);
    if (tokens.total < 0) return Fault::indexOutOfRange;
    units += (tokens.splits().end - tokens.splits().begin) * p.keyHeads;
  }
  const Range own = tileRange(units, w.tile, w.tiles);
  int64_t before = 0;  // units of the heads so far
  for (int64_t u = 0; u < p.batch * p.keyHeads && before < own.end; u++) {
    const CachedTokens tokens = cachedTokens(p, lengths, u / p.keyHeads);
    const Range splits = tokens.splits();
    const int64_t count = splits.end - splits.begin;
    const int64_t from = own.begin > before ? own.begin - before : 0;
    const int64_t to = own.end - before < count ? own.end - before : count;
    if (from < to) {
      const Fault fault =
          CachedGroup(w, loops, u / p.keyHeads, u % p.keyHeads, tokens).records(splits.begin + from, splits.begin + to);
      if (fault != Fault::none) return fault;
    }
    before += count;
  }
  return Fault::none;
}

// Few queries of a head: tokens as they lie.
DSNK_SMALL_CODE static Fault cachedFew(const Work& w, const CachedLoops& loops) {
  return w.as<CachedAttentionParams>().split ? cachedSplitHeads(w, loops) : cachedHeads(w, loops);
}
