// Blocks of 4-byte elements in 256-bit registers.

// y[i·ys + j] = x[i + j·xs] for a block of 8x8.
DSNK_INLINE void transposeOctets(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys) {
  // Halves of rows j and j + 4 meet on loading, which leaves two rounds of shuffles instead of three.
  __m256 r[8], t[8];
  DSNK_UNROLL
  for (int j = 0; j < 4; j++) {
    const float *low = reinterpret_cast<const float*>(x + j * xs),
                *high = reinterpret_cast<const float*>(x + (j + 4) * xs);
    r[j] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
    r[j + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
  }
  DSNK_UNROLL
  for (int g = 0; g < 8; g += 4) {  // r[g + k]: elements g … g+3 of rows k | k + 4
    t[g] = _mm256_unpacklo_ps(r[g], r[g + 1]);
    t[g + 1] = _mm256_unpackhi_ps(r[g], r[g + 1]);
    t[g + 2] = _mm256_unpacklo_ps(r[g + 2], r[g + 3]);
    t[g + 3] = _mm256_unpackhi_ps(r[g + 2], r[g + 3]);
    float* to = reinterpret_cast<float*>(y + g * ys);
    _mm256_storeu_ps(to, _mm256_shuffle_ps(t[g], t[g + 2], 0x44));
    _mm256_storeu_ps(to + ys, _mm256_shuffle_ps(t[g], t[g + 2], 0xee));
    _mm256_storeu_ps(to + 2 * ys, _mm256_shuffle_ps(t[g + 1], t[g + 3], 0x44));
    _mm256_storeu_ps(to + 3 * ys, _mm256_shuffle_ps(t[g + 1], t[g + 3], 0xee));
  }
}

// Three channels (an image). Element k of 24 interleaved ones is channel k % 3 of pixel k / 3; over three registers the
// elements of one channel fall on different lanes, so that two blends gather them and one permutation sorts them.
DSNK_INLINE __m256 laneBlend(__m256 at036, __m256 at147, __m256 at25) {
  return _mm256_blend_ps(_mm256_blend_ps(at036, at147, 0x92), at25, 0x24);
}

// y[i·ys + j] = x[i + 3j] for i < 3.
static void splitThree(const uint32_t* x, uint32_t* y, int64_t ys, int64_t pixels) {
  const __m256i first = _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5), second = _mm256_setr_epi32(1, 4, 7, 2, 5, 0, 3, 6),
                third = _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7);
  int64_t j = 0;
  for (; j + 8 <= pixels; j += 8) {
    const float* from = reinterpret_cast<const float*>(x + 3 * j);
    float* to = reinterpret_cast<float*>(y + j);
    const __m256 a = _mm256_loadu_ps(from), b = _mm256_loadu_ps(from + 8), c = _mm256_loadu_ps(from + 16);
    _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(laneBlend(a, b, c), first));
    _mm256_storeu_ps(to + ys, _mm256_permutevar8x32_ps(laneBlend(c, a, b), second));
    _mm256_storeu_ps(to + 2 * ys, _mm256_permutevar8x32_ps(laneBlend(b, c, a), third));
  }
  for (int64_t i = 0; i < 3; i++)
    for (int64_t k = j; k < pixels; k++) y[i * ys + k] = x[i + 3 * k];
}

// y[3i + j] = x[i + j·xs] for j < 3.
static void joinThree(const uint32_t* x, int64_t xs, uint32_t* y, int64_t pixels) {
  const __m256i first = _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5), second = _mm256_setr_epi32(5, 0, 3, 6, 1, 4, 7, 2),
                third = _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7);
  int64_t i = 0;
  for (; i + 8 <= pixels; i += 8) {
    const float* from = reinterpret_cast<const float*>(x + i);
    float* to = reinterpret_cast<float*>(y + 3 * i);
    const __m256 p = _mm256_permutevar8x32_ps(_mm256_loadu_ps(from), first);
    const __m256 q = _mm256_permutevar8x32_ps(_mm256_loadu_ps(from + xs), second);
    const __m256 r = _mm256_permutevar8x32_ps(_mm256_loadu_ps(from + 2 * xs), third);
    _mm256_storeu_ps(to, laneBlend(p, q, r));
    _mm256_storeu_ps(to + 8, laneBlend(r, p, q));
    _mm256_storeu_ps(to + 16, laneBlend(q, r, p));
  }
  for (; i < pixels; i++)
    for (int64_t j = 0; j < 3; j++) y[3 * i + j] = x[i + j * xs];
}

// Pairs: the halves of a channel shuffle, complex numbers. What does not fill a block of 8 is done by a last block that
// overlaps the one before.

// y[i·ys + j] = x[i + 2j] for i < 2.
static void splitTwo(const uint32_t* x, uint32_t* y, int64_t ys, int64_t pairs) {
  const float* from = reinterpret_cast<const float*>(x);
  float* to = reinterpret_cast<float*>(y);
  for (int64_t at = 0; at < pairs; at += 8) {
    const int64_t j = at + 8 <= pairs ? at : pairs - 8;
    const __m256 a = _mm256_loadu_ps(from + 2 * j), b = _mm256_loadu_ps(from + 2 * j + 8);
    const __m256d first = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88));
    const __m256d second = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xdd));
    _mm256_storeu_ps(to + j, _mm256_castpd_ps(_mm256_permute4x64_pd(first, 0xd8)));
    _mm256_storeu_ps(to + j + ys, _mm256_castpd_ps(_mm256_permute4x64_pd(second, 0xd8)));
  }
}

// y[2i + j] = x[i + j·xs] for j < 2.
static void joinTwo(const uint32_t* x, int64_t xs, uint32_t* y, int64_t pairs) {
  const float* from = reinterpret_cast<const float*>(x);
  float* to = reinterpret_cast<float*>(y);
  for (int64_t at = 0; at < pairs; at += 8) {
    const int64_t i = at + 8 <= pairs ? at : pairs - 8;
    const __m256 a = _mm256_loadu_ps(from + i), b = _mm256_loadu_ps(from + i + xs);
    const __m256 low = _mm256_unpacklo_ps(a, b), high = _mm256_unpackhi_ps(a, b);
    _mm256_storeu_ps(to + 2 * i, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(to + 2 * i + 8, _mm256_permute2f128_ps(low, high, 0x31));
  }
}

// Whole octets, then the ragged edges; planes of two and three channels apart.
static void transposeWords(const uint32_t* x, int64_t xs, uint32_t* y, int64_t ys, int64_t rows, int64_t columns) {
  if (rows == 2 && xs == 2 && columns >= 8) return splitTwo(x, y, ys, columns);
  if (columns == 2 && ys == 2 && rows >= 8) return joinTwo(x, xs, y, rows);
  if (rows == 3 && xs == 3) return splitThree(x, y, ys, columns);
  if (columns == 3 && ys == 3) return joinThree(x, xs, y, rows);
  const int64_t pairs = rows / 16 * 16, wholeColumns = columns / 8 * 8;
  for (int64_t i = 0; i < pairs; i += 16) {  // a 64-byte line of x is used whole
    for (int64_t j = 0; j < wholeColumns; j += 8) {
      transposeOctets(x + i + j * xs, xs, y + i * ys + j, ys);
      transposeOctets(x + i + 8 + j * xs, xs, y + (i + 8) * ys + j, ys);
    }
    for (int64_t k = i; k < i + 16; k++)
      for (int64_t j = wholeColumns; j < columns; j++) y[k * ys + j] = x[k + j * xs];
  }
  transposeSquares<uint32_t, 8, transposeOctets>(x + pairs, xs, y + pairs * ys, ys, rows - pairs, columns);
}
