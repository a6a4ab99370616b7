// What the inner loops of attention over a cache get (cached.inl), and which there are.

// One block of tokens for some of the rows.
struct CachedBlock {
  const std::byte *k, *v;
  int64_t tokens, width, depth;
  const float* q;
  const std::byte* codes;  // of q, rows as far apart
  float* s;                // scores, then weights
  float* o;                // sums
  const float* keep;
  int64_t rowQ, rowO;
  // What is read next, as many rows of so many bytes: V after the scores, K of the next block after the sums; or nullptr.
  const std::byte *aheadV, *aheadK;
  int64_t bytesV, bytesK;
};

// Memory is asked for rows a block before they are read. Left to the processor, which sees four streams of half a
// kilobyte, a core gets a third of what it can read.
DSNK_INLINE void askFor(const std::byte* row, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(row + i, 0, 2);
}

// The loops of one type of cache, on one row or four. One lane has no registers for more than one.
constexpr int kCachedHeight = F32::lanes == 1 ? 1 : 4;
struct CachedLoops {
  int64_t elementBytes;
  bool scaled;
  using Step = void (*)(const CachedBlock&);
  Step scores[2], sums[2];
  // A row of the cache as floats times scale; nullptr where no panels are made.
  void (*widen)(const std::byte* from, int64_t n, float scale, float* to) = nullptr;
  // Where queries become integers: from a row of floats, and what belongs to their codes.
  void (*prepare)(const float* q, int64_t rowQ, std::byte* codes) = nullptr;
  // Where sums stand in another order until a split ends: puts a row in order.
  void (*settle)(float* o, int64_t depth) = nullptr;
};
