// Blocks of narrow elements, transposed by interleaving: with n rows of n elements, one round of interleaving row i
// with row i + n/2 rotates the bits of every element's (row, column) address by one; log2(n) rounds swap row and
// column. 128-bit registers, because a round across the lanes of a wider one costs more than it saves.

// y[i·ys + j] = x[i + j·xs] for a block of 16x16 bytes.
DSNK_INLINE void transpose16x16(const uint8_t* x, int64_t xs, uint8_t* y, int64_t ys) {
  __m128i a[16], b[16];
  DSNK_UNROLL
  for (int j = 0; j < 16; j++) a[j] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + j * xs));
  DSNK_UNROLL
  for (int round = 0; round < 4; round++) {
    DSNK_UNROLL
    for (int j = 0; j < 8; j++) {
      b[2 * j] = _mm_unpacklo_epi8(a[j], a[j + 8]);
      b[2 * j + 1] = _mm_unpackhi_epi8(a[j], a[j + 8]);
    }
    DSNK_UNROLL
    for (int j = 0; j < 16; j++) a[j] = b[j];
  }
  DSNK_UNROLL
  for (int i = 0; i < 16; i++) _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i * ys), a[i]);
}

// The same for 8x8 elements of 2 bytes.
DSNK_INLINE void transpose8x8(const uint16_t* x, int64_t xs, uint16_t* y, int64_t ys) {
  __m128i a[8], b[8];
  DSNK_UNROLL
  for (int j = 0; j < 8; j++) a[j] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + j * xs));
  DSNK_UNROLL
  for (int round = 0; round < 3; round++) {
    DSNK_UNROLL
    for (int j = 0; j < 4; j++) {
      b[2 * j] = _mm_unpacklo_epi16(a[j], a[j + 4]);
      b[2 * j + 1] = _mm_unpackhi_epi16(a[j], a[j + 4]);
    }
    DSNK_UNROLL
    for (int j = 0; j < 8; j++) a[j] = b[j];
  }
  DSNK_UNROLL
  for (int i = 0; i < 8; i++) _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i * ys), a[i]);
}

// And for 4x4 elements of 8 bytes.
DSNK_INLINE void transpose4x4(const uint64_t* x, int64_t xs, uint64_t* y, int64_t ys) {
  __m256d r[4];
  DSNK_UNROLL
  for (int j = 0; j < 4; j++) r[j] = _mm256_loadu_pd(reinterpret_cast<const double*>(x + j * xs));
  const __m256d a = _mm256_unpacklo_pd(r[0], r[1]), b = _mm256_unpackhi_pd(r[0], r[1]);
  const __m256d c = _mm256_unpacklo_pd(r[2], r[3]), d = _mm256_unpackhi_pd(r[2], r[3]);
  _mm256_storeu_pd(reinterpret_cast<double*>(y), _mm256_permute2f128_pd(a, c, 0x20));
  _mm256_storeu_pd(reinterpret_cast<double*>(y + ys), _mm256_permute2f128_pd(b, d, 0x20));
  _mm256_storeu_pd(reinterpret_cast<double*>(y + 2 * ys), _mm256_permute2f128_pd(a, c, 0x31));
  _mm256_storeu_pd(reinterpret_cast<double*>(y + 3 * ys), _mm256_permute2f128_pd(b, d, 0x31));
}

// Three channels of bytes (an image): byte k of 48 interleaved ones is channel k % 3 of pixel k / 3. A shuffle per
// register and channel picks what is there of it (0x80 = nothing) and the three picks are or-ed.
struct ThreeBytes {
  alignas(16) uint8_t split[3][3][16];  // [channel][register of x]
  alignas(16) uint8_t join[3][3][16];   // [register of y][channel]
};
constexpr ThreeBytes threeBytes() {
  ThreeBytes m{};
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      for (int lane = 0; lane < 16; lane++) {
        const int k = 3 * lane + a - 16 * b;  // where channel a of pixel `lane` lies in register b
        m.split[a][b][lane] = k >= 0 && k < 16 ? static_cast<uint8_t>(k) : 0x80;
        const int at = 16 * a + lane;  // byte `at` of y
        m.join[a][b][lane] = at % 3 == b ? static_cast<uint8_t>(at / 3) : 0x80;
      }
  return m;
}
static constexpr ThreeBytes kThreeBytes = threeBytes();

DSNK_INLINE __m128i pickThree(const __m128i* from, const uint8_t (*masks)[16]) {
  __m128i picked = _mm_setzero_si128();
  DSNK_UNROLL
  for (int b = 0; b < 3; b++)
    picked =
        _mm_or_si128(picked, _mm_shuffle_epi8(from[b], _mm_load_si128(reinterpret_cast<const __m128i*>(masks[b]))));
  return picked;
}

static void transposeBytes(const uint8_t* x, int64_t xs, uint8_t* y, int64_t ys, int64_t rows, int64_t columns) {
  const bool split = rows == 3 && xs == 3, join = columns == 3 && ys == 3;
  if (!split && !join) return transposeSquares<uint8_t, 16, transpose16x16>(x, xs, y, ys, rows, columns);
  const int64_t pixels = split ? columns : rows;
  int64_t k = 0;
  for (; k + 16 <= pixels; k += 16) {
    __m128i from[3];
    DSNK_UNROLL
    for (int b = 0; b < 3; b++)
      from[b] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(split ? x + 3 * k + 16 * b : x + k + b * xs));
    DSNK_UNROLL
    for (int a = 0; a < 3; a++)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(split ? y + k + a * ys : y + 3 * k + 16 * a),
                       pickThree(from, split ? kThreeBytes.split[a] : kThreeBytes.join[a]));
  }
  for (; k < pixels; k++)
    for (int64_t c = 0; c < 3; c++) {
      if (split)
        y[k + c * ys] = x[3 * k + c];
      else
        y[3 * k + c] = x[k + c * xs];
    }
}
