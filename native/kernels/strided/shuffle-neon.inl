// Blocks transposed by interleaving, as in shuffle-bytes.inl: with n rows of n elements, log2(n) rounds of interleaving
// row i with row i + n/2 swap row and column. Two and three channels (images, complex numbers) are taken apart and put
// together by the loads and stores of structures.
//
// For elements T in vectors V of kSide:
//   square        y[i·ys + j] = x[i + j·xs] for a block of kSide x kSide
//   splitN        y[i·ys + j] = x[i + N·j] for i < N
//   joinN         y[N·i + j] = x[i + j·xs] for j < N
//   transposeAny  a whole block
#define DSNK_SHUFFLES(T, V, suffix, kSide)                                                                  \
  DSNK_INLINE void square(const T* x, int64_t xs, T* y, int64_t ys) {                                       \
    V##_t a[kSide];                                                                                         \
    DSNK_UNROLL for (int j = 0; j < kSide; j++) a[j] = vld1q_##suffix(x + j * xs);                          \
    DSNK_UNROLL for (int round = 1; round < kSide; round *= 2) {                                            \
      V##_t b[kSide];                                                                                       \
      DSNK_UNROLL for (int j = 0; j < kSide / 2; j++) {                                                     \
        const V##x2_t pair = vzipq_##suffix(a[j], a[j + kSide / 2]);                                        \
        b[2 * j] = pair.val[0];                                                                             \
        b[2 * j + 1] = pair.val[1];                                                                         \
      }                                                                                                     \
      DSNK_UNROLL for (int j = 0; j < kSide; j++) a[j] = b[j];                                              \
    }                                                                                                       \
    DSNK_UNROLL for (int i = 0; i < kSide; i++) vst1q_##suffix(y + i * ys, a[i]);                           \
  }                                                                                                         \
  static void split2(const T* x, T* y, int64_t ys, int64_t n) {                                             \
    int64_t j = 0;                                                                                          \
    for (; j + kSide <= n; j += kSide) {                                                                    \
      const V##x2_t v = vld2q_##suffix(x + 2 * j);                                                          \
      DSNK_UNROLL for (int i = 0; i < 2; i++) vst1q_##suffix(y + i * ys + j, v.val[i]);                     \
    }                                                                                                       \
    for (; j < n; j++) y[j] = x[2 * j], y[ys + j] = x[2 * j + 1];                                           \
  }                                                                                                         \
  static void split3(const T* x, T* y, int64_t ys, int64_t n) {                                             \
    int64_t j = 0;                                                                                          \
    for (; j + kSide <= n; j += kSide) {                                                                    \
      const V##x3_t v = vld3q_##suffix(x + 3 * j);                                                          \
      DSNK_UNROLL for (int i = 0; i < 3; i++) vst1q_##suffix(y + i * ys + j, v.val[i]);                     \
    }                                                                                                       \
    for (; j < n; j++) y[j] = x[3 * j], y[ys + j] = x[3 * j + 1], y[2 * ys + j] = x[3 * j + 2];             \
  }                                                                                                         \
  static void join2(const T* x, int64_t xs, T* y, int64_t n) {                                              \
    int64_t i = 0;                                                                                          \
    for (; i + kSide <= n; i += kSide) {                                                                    \
      const V##x2_t v{{vld1q_##suffix(x + i), vld1q_##suffix(x + i + xs)}};                                 \
      vst2q_##suffix(y + 2 * i, v);                                                                         \
    }                                                                                                       \
    for (; i < n; i++) y[2 * i] = x[i], y[2 * i + 1] = x[i + xs];                                           \
  }                                                                                                         \
  static void join3(const T* x, int64_t xs, T* y, int64_t n) {                                              \
    int64_t i = 0;                                                                                          \
    for (; i + kSide <= n; i += kSide) {                                                                    \
      const V##x3_t v{{vld1q_##suffix(x + i), vld1q_##suffix(x + i + xs), vld1q_##suffix(x + i + 2 * xs)}}; \
      vst3q_##suffix(y + 3 * i, v);                                                                         \
    }                                                                                                       \
    for (; i < n; i++) y[3 * i] = x[i], y[3 * i + 1] = x[i + xs], y[3 * i + 2] = x[i + 2 * xs];             \
  }                                                                                                         \
  static void transposeAny(const T* x, int64_t xs, T* y, int64_t ys, int64_t rows, int64_t columns) {       \
    if (rows == 2 && xs == 2) return split2(x, y, ys, columns);                                             \
    if (rows == 3 && xs == 3) return split3(x, y, ys, columns);                                             \
    if (columns == 2 && ys == 2) return join2(x, xs, y, rows);                                              \
    if (columns == 3 && ys == 3) return join3(x, xs, y, rows);                                              \
    transposeSquares<T, kSide, square>(x, xs, y, ys, rows, columns);                                        \
  }

DSNK_SHUFFLES(uint8_t, uint8x16, u8, 16)
DSNK_SHUFFLES(uint16_t, uint16x8, u16, 8)
DSNK_SHUFFLES(uint32_t, uint32x4, u32, 4)
#undef DSNK_SHUFFLES

DSNK_INLINE void square(const uint64_t* x, int64_t xs, uint64_t* y, int64_t ys) {
  const uint64x2_t a = vld1q_u64(x), b = vld1q_u64(x + xs);
  vst1q_u64(y, vcombine_u64(vget_low_u64(a), vget_low_u64(b)));
  vst1q_u64(y + ys, vcombine_u64(vget_high_u64(a), vget_high_u64(b)));
}
