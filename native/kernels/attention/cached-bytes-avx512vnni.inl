// The inner loops of attention over a cache of bytes (cached.inl) in integers: what vpdpbusd multiplies are bytes.
//
// Numerics  a query is 256·hi + lo, two signed bytes, times its largest size / 32639; so are the weights of a block with
//           two unsigned bytes and 1/65535. Products and sums are exact, so a score is off by 2⁻¹⁶ of the query's largest
//           element, a weight by 2⁻¹⁷ of the largest of its 64: little beside the 2⁻⁸ of the cache
// Tiling    scores: 16 tokens × 64 elements transposed in registers, so that a lane is a token and nothing is summed
//           across lanes. Sums: four tokens interleaved, a lane is an element; 4 queries × 2 vectors × (hi, lo). Of 64
//           elements one shuffle or half of one beside two multiplications for each query

constexpr float kQueryTop = 32639.0f, kWeightTop = 65535.0f;

// acc += products of four unsigned and four signed bytes
#define DSNK_DOT(acc, u, s) asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(u), "v"(s))
#define DSNK_DOT_SPREAD(acc, u, p) \
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(u), "m"(*reinterpret_cast<const int32_t*>(p)))

DSNK_INLINE __mmask64 firstBytes(int64_t n) {
  return n >= 64 ? ~uint64_t{0} : _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n));
}

// Of two rows, bytes 0 … 7 or 8 … 15 of each 128 bits in turn.
template <bool upper>
DSNK_INLINE __m512i interleaveBytes(__m512i a, __m512i b) {
  return upper ? _mm512_unpackhi_epi8(a, b) : _mm512_unpacklo_epi8(a, b);
}

// The factor of a row of integers and its inverse, from the largest size: numbers too small to have one become zeros, and
// a row that is not finite has the factor NaN.
struct CodeScale {
  float scale, inverse;
};
DSNK_INLINE CodeScale codeScale(F32 top, F32 odd, float most) {
  const float size = largest(top);
  const bool tiny = size < 1e-30f;
  return {(tiny ? 0.0f : size / most) + sum(odd), tiny ? 0.0f : most / size};
}

// Codes of a query: rowQ bytes hi, rowQ bytes lo, the scale, and -128·Σ(256·hi + lo), for a cache whose bytes are taken
// with 128 added.
static void prepareBytes(const float* q, int64_t rowQ, std::byte* codes) {
  F32 top = F32::zero(), odd = F32::zero();
  for (int64_t d = 0; d < rowQ; d += F32::lanes) {
    const F32 x = F32::load(q + d);
    top = max(abs(x), top);
    odd = odd + (x - x);
  }
  const CodeScale s = codeScale(top, odd, kQueryTop);
  auto* to = reinterpret_cast<int8_t*>(codes);
  std::memcpy(to + 2 * rowQ, &s.scale, 4);
  if (s.scale != s.scale) {  // what is not finite has no codes; the scale makes NaN of any
    std::memset(to, 0, static_cast<size_t>(2 * rowQ));
    std::memset(to + 2 * rowQ + 4, 0, 4);
    return;
  }
  I32 all = I32::set(0);
  for (int64_t d = 0; d < rowQ; d += F32::lanes) {
    const I32 x = roundToI32(F32::load(q + d) * F32::set(s.inverse));
    const I32 hi = shiftRight<8>(x + I32::set(128)), lo = x - shiftLeft<8>(hi);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + d), _mm512_cvtepi32_epi8(hi.v));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + rowQ + d), _mm512_cvtepi32_epi8(lo.v));
    all = all + x;
  }
  const int32_t offset = -128 * _mm512_reduce_add_epi32(all.v);
  std::memcpy(to + 2 * rowQ + 4, &offset, 4);
}

// Rows of 64 bytes to 16 vectors, of which vector i has bytes 4i … 4i + 3 of every row.
DSNK_INLINE void transposeQuads(__m512i (&x)[16]) {
  __m512i t[16];
  DSNK_UNROLL for (int i = 0; i < 16; i += 4) {  // words 4l … 4l + 3 of four rows, for each 128 bits l
    const __m512i a = _mm512_unpacklo_epi32(x[i], x[i + 1]), b = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    const __m512i c = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]), d = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
    t[i] = _mm512_unpacklo_epi64(a, c);
    t[i + 1] = _mm512_unpackhi_epi64(a, c);
    t[i + 2] = _mm512_unpacklo_epi64(b, d);
    t[i + 3] = _mm512_unpackhi_epi64(b, d);
  }
  DSNK_UNROLL for (int i = 0; i < 4; i++) {  // the same 128 bits of all rows
    const __m512i a = _mm512_shuffle_i32x4(t[i], t[4 + i], 0x88), b = _mm512_shuffle_i32x4(t[i], t[4 + i], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0x88),
                  d = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0xdd);
    x[i] = _mm512_shuffle_i32x4(a, c, 0x88);
    x[8 + i] = _mm512_shuffle_i32x4(a, c, 0xdd);
    x[4 + i] = _mm512_shuffle_i32x4(b, d, 0x88);
    x[12 + i] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

template <int MR>
__attribute__((noinline)) static void byteScores(const CachedBlock& g) {
  const auto* k = reinterpret_cast<const int8_t*>(g.k);
  const int64_t row = 4 * g.rowQ;
  for (int64_t j = 0; j < g.tokens; j += 16) {
    if (g.aheadV != nullptr) askFor(g.aheadV + j * g.bytesV, 16 * g.bytesV);
    __m512i hi[MR], lo[MR];
    DSNK_UNROLL for (int r = 0; r < MR; r++) hi[r] = lo[r] = _mm512_setzero_si512();
    for (int64_t d = 0; d < g.width; d += 64) {
      const __mmask64 mask = firstBytes(g.width - d);
      __m512i x[16];
      // tokens past the end repeat the last one
      DSNK_UNROLL for (int i = 0; i < 16; i++) {
        x[i] = _mm512_maskz_loadu_epi8(mask, k + (j + i < g.tokens ? j + i : g.tokens - 1) * g.width + d);
      }
      transposeQuads(x);
      const std::byte* q = g.codes + d;
      DSNK_UNROLL for (int i = 0; i < 16; i++) {
        const __m512i u = _mm512_xor_si512(x[i], _mm512_set1_epi8(-128));
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          DSNK_DOT_SPREAD(hi[r], u, q + r * row + 4 * i);
          DSNK_DOT_SPREAD(lo[r], u, q + r * row + g.rowQ + 4 * i);
        }
      }
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      float scale;
      int32_t offset;
      std::memcpy(&scale, g.codes + r * row + 2 * g.rowQ, 4);
      std::memcpy(&offset, g.codes + r * row + 2 * g.rowQ + 4, 4);
      const I32 all = shiftLeft<8>(I32{hi[r]}) + I32{lo[r]} + I32::set(offset);
      (toF32(all) * F32::set(scale)).store(g.s + r * kCachedScoreRow + j);
    }
  }
}

// Weights of a row to codes in their place: 64 bytes hi, 64 bytes lo. Returns their scale.
static float codeWeights(float* s, int64_t n) {
  F32 x[4], top = F32::zero(), odd = F32::zero();
  DSNK_UNROLL for (int i = 0; i < 4; i++) {
    const int64_t left = n - i * F32::lanes;
    x[i] = left >= F32::lanes ? F32::load(s + i * F32::lanes)
           : left > 0         ? F32::loadFirst(s + i * F32::lanes, static_cast<int>(left))
                              : F32::zero();
    top = max(abs(x[i]), top);
    odd = odd + (x[i] - x[i]);
  }
  const CodeScale scale = codeScale(top, odd, kWeightTop);
  auto* to = reinterpret_cast<__m128i*>(s);
  DSNK_UNROLL for (int i = 0; i < 4; i++) {
    // scales of tokens are no negative numbers where append wrote them
    const I32 code = roundToI32(max(x[i] * F32::set(scale.inverse), F32::zero()));
    _mm_storeu_si128(to + i, _mm512_cvtepi32_epi8(shiftRight<8>(code).v));
    _mm_storeu_si128(to + 4 + i, _mm512_cvtepi32_epi8(code.v));
  }
  return scale.scale;
}

// Sums of 32 of 64 columns from d on, in the order in which four rows interleave: see settleBytes.
template <int MR, bool upper>
__attribute__((noinline)) static void byteColumns(const CachedBlock& g, int64_t d, const float (&scale)[MR]) {
  const auto* v = reinterpret_cast<const int8_t*>(g.v) + d;
  __m512i hi[MR][2], lo[MR][2];
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int c = 0; c < 2; c++) hi[r][c] = lo[r][c] = _mm512_setzero_si512();
  }
  const __mmask64 mask = firstBytes(g.depth - d);
  for (int64_t j = 0; j < g.tokens; j += 4) {
    if (d == 0 && !upper && g.aheadK != nullptr) askFor(g.aheadK + j * g.bytesK, 4 * g.bytesK);
    __m512i row[4];
    // tokens past the end have no weights
    DSNK_UNROLL for (int i = 0; i < 4; i++) {
      row[i] = _mm512_maskz_loadu_epi8(mask, v + (j + i < g.tokens ? j + i : g.tokens - 1) * g.depth);
    }
    const __m512i ab = interleaveBytes<upper>(row[0], row[1]), cd = interleaveBytes<upper>(row[2], row[3]);
    const __m512i x[2] = {_mm512_unpacklo_epi16(ab, cd), _mm512_unpackhi_epi16(ab, cd)};
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const auto* codes = reinterpret_cast<const int8_t*>(g.s + r * kCachedScoreRow) + j;
      int32_t quads[2];
      std::memcpy(&quads[0], codes, 4);
      std::memcpy(&quads[1], codes + 64, 4);
      const __m512i h = _mm512_set1_epi32(quads[0]), l = _mm512_set1_epi32(quads[1]);
      DSNK_UNROLL for (int c = 0; c < 2; c++) {
        DSNK_DOT(hi[r][c], h, x[c]);
        DSNK_DOT(lo[r][c], l, x[c]);
      }
    }
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int c = 0; c < 2; c++) {
      float* o = g.o + r * g.rowO + d + (upper ? 32 : 0) + c * 16;
      const F32 all = toF32(shiftLeft<8>(I32{hi[r][c]}) + I32{lo[r][c]});
      fma(F32::load(o), F32::set(g.keep[r]), all * F32::set(scale[r])).store(o);
    }
  }
}

template <int MR>
static void byteSums(const CachedBlock& g) {
  float scale[MR];
  for (int r = 0; r < MR; r++) scale[r] = codeWeights(g.s + r * kCachedScoreRow, g.tokens);
  for (int64_t d = 0; d < g.depth; d += 64) {
    byteColumns<MR, false>(g, d, scale);
    byteColumns<MR, true>(g, d, scale);
  }
}

// Quad i of vector l of 64 columns is quad l of 128 bits i.
static void settleBytes(float* o, int64_t depth) {
  for (int64_t d = 0; d < depth; d += 64, o += 64) {
    for (int i = 0; i < 4; i++) {
      for (int l = 0; l < i; l++) {
        const __m128 a = _mm_loadu_ps(o + 16 * i + 4 * l), b = _mm_loadu_ps(o + 16 * l + 4 * i);
        _mm_storeu_ps(o + 16 * i + 4 * l, b);
        _mm_storeu_ps(o + 16 * l + 4 * i, a);
      }
    }
  }
}

#undef DSNK_DOT
#undef DSNK_DOT_SPREAD

constexpr CachedLoops kByteLoops{
    1, true, {byteScores<1>, byteScores<4>}, {byteSums<1>, byteSums<4>}, nullptr, prepareBytes, settleBytes,
};
