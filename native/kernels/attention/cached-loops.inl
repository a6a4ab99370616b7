// The inner loops of attention over a cache (cached.inl) in floats: scores and sums of one block of tokens, for each type of
// cache.

// What the cache holds, widened to floats.
struct StoredFloat {
  using T = float;
  static constexpr bool scaled = false;
  DSNK_INLINE F32 load(const float* p) { return F32::load(p); }
};
struct StoredHalf {
  using T = uint16_t;
  static constexpr bool scaled = false;
  DSNK_INLINE F32 load(const uint16_t* p) { return loadHalf(p); }
};
struct StoredBfloat {
  using T = uint16_t;
  static constexpr bool scaled = false;
  DSNK_INLINE F32 load(const uint16_t* p) { return loadBfloat(p); }
};
struct StoredByte {
  using T = int8_t;
  static constexpr bool scaled = true;
  DSNK_INLINE F32 load(const int8_t* p) { return loadSignedByte(p); }
};

// The first n elements, zeros behind them.
template <class Stored>
__attribute__((noinline)) static void loadRest(const typename Stored::T* p, int64_t n, F32* to) {
  typename Stored::T lane[F32::lanes] = {};
  std::memcpy(lane, p, static_cast<size_t>(n) * sizeof(lane[0]));
  *to = Stored::load(lane);
}
template <class Stored>
DSNK_INLINE F32 loadUpTo(const typename Stored::T* p, int64_t n) {
  if (n >= F32::lanes) return Stored::load(p);
  F32 x;
  loadRest<Stored>(p, n, &x);
  return x;
}

// The sums across the lanes of four vectors.
template <class V>
DSNK_INLINE void sumsOfFour(V a, V b, V c, V d, float* to) {
#if defined(__x86_64__)
  if constexpr (V::lanes >= 8) {
    // a0+a2 b0+b2 a1+a3 b1+b3 of each 128 bits, then a b c d of each
    const auto pairs = [](auto x, auto y) __attribute__((always_inline)) {
      if constexpr (V::lanes == 16) {
        return _mm512_add_ps(_mm512_unpacklo_ps(x, y), _mm512_unpackhi_ps(x, y));
      } else {
        return _mm256_add_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y));
      }
    };
    const auto ab = pairs(a.v, b.v), cd = pairs(c.v, d.v);
    __m256 half;
    if constexpr (V::lanes == 16) {
      const __m512d x = _mm512_castps_pd(ab), y = _mm512_castps_pd(cd);
      const __m512 all =
          _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
      half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    } else {
      const __m256d x = _mm256_castps_pd(ab), y = _mm256_castps_pd(cd);
      half = _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(x, y)), _mm256_castpd_ps(_mm256_unpackhi_pd(x, y)));
    }
    _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
    return;
  }
#elif defined(__aarch64__)
  if constexpr (V::lanes == 4) {
    vst1q_f32(to, vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v)));
    return;
  }
#endif
  to[0] = sum(a);
  to[1] = sum(b);
  to[2] = sum(c);
  to[3] = sum(d);
}

template <class Stored, int MR>
__attribute__((noinline)) static void cachedScores(const CachedBlock& g) {
  const auto* k = reinterpret_cast<const typename Stored::T*>(g.k);
  constexpr int together = MR * 4 > kVectorRegisters / 2 ? 2 : 4;
  typename Stored::T rest[together][F32::lanes] = {};
  const float* q = g.q;
  const int64_t rowQ = g.rowQ;
  for (int64_t j = 0; j < g.tokens; j += together) {
    if (g.aheadV != nullptr) askFor(g.aheadV + j * g.bytesV, together * g.bytesV);
    Tile<MR, together> t;
    t.clear();
    const typename Stored::T* from[together];
    // tokens past the end repeat the last one
    DSNK_UNROLL for (int c = 0; c < together; c++) {
      from[c] = k + (j + c < g.tokens ? j + c : g.tokens - 1) * g.width;
    }
    int64_t d = 0;
    for (int64_t end = g.width / F32::lanes * F32::lanes;; end = g.width) {
      DSNK_KEEP_ROLLED for (; d < end; d += F32::lanes) {
        DSNK_UNROLL for (int c = 0; c < together; c++) {
          const F32 x = Stored::load(from[c] + d);
          DSNK_UNROLL for (int r = 0; r < MR; r++) accumulate(t.v[r][c], F32::load(q + r * rowQ + d), x);
        }
      }
      if (d >= g.width) break;
      // the same for what is less than a vector
      for (int c = 0; c < together; c++) {
        std::memcpy(rest[c], from[c] + d, static_cast<size_t>(g.width - d) * sizeof(rest[c][0]));
        from[c] = rest[c] - d;
      }
    }
    if constexpr (together == 4) {
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        sumsOfFour(t.v[r][0], t.v[r][1], t.v[r][2], t.v[r][3], g.s + r * kCachedScoreRow + j);
      }
    } else {
      static_assert(MR % 2 == 0);
      DSNK_UNROLL for (int r = 0; r < MR; r += 2) {
        float four[4];
        sumsOfFour(t.v[r][0], t.v[r][1], t.v[r + 1][0], t.v[r + 1][1], four);
        float* s = g.s + r * kCachedScoreRow + j;
        s[0] = four[0];
        s[1] = four[1];
        s[kCachedScoreRow] = four[2];
        s[kCachedScoreRow + 1] = four[3];
      }
    }
  }
}

// Columns [d, d + NV·lanes) of the sums; of a single vector perhaps fewer.
template <class Stored, int MR, int NV>
__attribute__((noinline)) static void cachedSums(const CachedBlock& g, int64_t d) {
  Tile<MR, NV> t;
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    const F32 keep = F32::set(g.keep[r]);
    DSNK_UNROLL for (int c = 0; c < NV; c++) t.v[r][c] = F32::load(g.o + r * g.rowO + d + c * F32::lanes) * keep;
  }
  const auto* v = reinterpret_cast<const typename Stored::T*>(g.v) + d;
  const int64_t rest = NV == 1 ? g.depth - d : F32::lanes;
  DSNK_KEEP_ROLLED for (int64_t j = 0; j < g.tokens; j++, v += g.depth) {
    if (d == 0 && g.aheadK != nullptr) askFor(g.aheadK + j * g.bytesK, g.bytesK);
    F32 x[NV];
    DSNK_UNROLL for (int c = 0; c < NV; c++) {
      x[c] = NV == 1 ? loadUpTo<Stored>(v, rest) : Stored::load(v + c * F32::lanes);
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const F32 w = F32::set(g.s[r * kCachedScoreRow + j]);
      DSNK_UNROLL for (int c = 0; c < NV; c++) accumulate(t.v[r][c], w, x[c]);
    }
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int c = 0; c < NV; c++) t.v[r][c].store(g.o + r * g.rowO + d + c * F32::lanes);
  }
}

template <class Stored, int MR>
static void cachedSumsOf(const CachedBlock& g) {
  constexpr int wide = (MR == 1 ? 2 : 1) * (kVectorRegisters == 32 ? 4 : 2);
  int64_t d = 0;
  for (; d + wide * F32::lanes <= g.depth; d += wide * F32::lanes) cachedSums<Stored, MR, wide>(g, d);
  for (; d < g.depth; d += F32::lanes) cachedSums<Stored, MR, 1>(g, d);
}

// n elements times scale.
template <class Stored>
static void cachedWiden(const std::byte* from, int64_t n, float scale, float* to) {
  const auto* x = reinterpret_cast<const typename Stored::T*>(from);
  const F32 by = F32::set(scale);
  int64_t i = 0;
  DSNK_KEEP_ROLLED for (; i + F32::lanes <= n; i += F32::lanes)(Stored::load(x + i) * by).store(to + i);
  if (i < n) (loadUpTo<Stored>(x + i, n - i) * by).storeFirst(to + i, static_cast<int>(n - i));
}

template <class Stored>
constexpr CachedLoops kCachedLoops{
    sizeof(typename Stored::T),
    Stored::scaled,
    {cachedScores<Stored, 1>, cachedScores<Stored, kCachedHeight>},
    {cachedSumsOf<Stored, 1>, cachedSumsOf<Stored, kCachedHeight>},
    cachedWiden<Stored>,
};
