// Bytes in AVX2: eight integers become 8 bytes, four vectors at a time.

// Short rows as two pieces that overlap.
[[maybe_unused]] static void copyBytes(const uint8_t* from, int64_t n, uint8_t* to) {
  const auto piece = [&](auto zero, int64_t at) __attribute__((always_inline)) {
    std::memcpy(&zero, from + at, sizeof zero);
    std::memcpy(to + at, &zero, sizeof zero);
  };
  if (n >= 32) {
    for (int64_t i = 0; i + 32 <= n; i += 32) piece(__m256i{}, i);
    if (n % 32 != 0) piece(__m256i{}, n - 32);
  } else if (n >= 16) {
    piece(__m128i{}, 0);
    piece(__m128i{}, n - 16);
  } else if (n >= 8) {
    piece(uint64_t{}, 0);
    piece(uint64_t{}, n - 8);
  } else if (n >= 4) {
    piece(uint32_t{}, 0);
    piece(uint32_t{}, n - 4);
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
  }
}

// Too large for an int32 must stay positive; too small may become INT32_MIN. A NaN becomes the bound.
DSNK_INLINE I32 roundBytes(F32 x) { return roundToI32(min(x, F32::set(65536.0f))); }

DSNK_INLINE I32 loadBytes(const uint8_t* p, int n) {
  uint64_t bytes = 0;
  if (n == 8) {
    std::memcpy(&bytes, p, 8);
  } else {
    for (int i = 0; i < n; i++) bytes |= uint64_t{p[i]} << 8 * i;
  }
  return {_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)))};
}

// Four vectors as bytes: the first lanes of 128 bits of all four, then the second ones.
DSNK_INLINE __m256i packedBytes(__m256i a, __m256i b, __m256i c, __m256i d, const ByteRange& range) {
  const __m256i zero = _mm256_set1_epi16(static_cast<int16_t>(range.zero));
  const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
  const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
  const __m256i bytes = _mm256_packus_epi16(low, high);
  return _mm256_min_epu8(_mm256_max_epu8(bytes, _mm256_set1_epi8(static_cast<int8_t>(range.low))),
                         _mm256_set1_epi8(static_cast<int8_t>(range.high)));
}

// The same one after the other: one permutation of words undoes the interleaving.
DSNK_INLINE __m256i bytesOf(__m256i a, __m256i b, __m256i c, __m256i d, const ByteRange& range) {
  return _mm256_permutevar8x32_epi32(packedBytes(a, b, c, d, range), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

DSNK_INLINE void storeSome(uint64_t bytes, uint8_t* y, int n) {
  if (n == 8) {
    std::memcpy(y, &bytes, 8);
    return;
  }
  for (int i = 0; i < n; i++) y[i] = static_cast<uint8_t>(bytes >> 8 * i);
}

DSNK_INLINE void storeVector(I32 v, uint8_t* y, int n, const ByteRange& range) {
  const __m256i bytes = bytesOf(v.v, v.v, v.v, v.v, range);
  storeSome(static_cast<uint64_t>(_mm_cvtsi128_si64(_mm256_castsi256_si128(bytes))), y, n);
}

template <int MR, int NV>
DSNK_INLINE void storeTile(const Tile<MR, NV>& t, uint8_t* y, int64_t ldc, int64_t columns, const ByteRange& range) {
  constexpr int count = MR * NV;
  const int last = Tile<MR, NV>::lastOf(columns);
  const auto vector = [&](int i) __attribute__((always_inline)) {
    const int at = i < count ? i : count - 1;
    return bitsOf(t.v[at / NV][at % NV]).v;
  };
  DSNK_UNROLL for (int f = 0; f < count; f += 4) {
    const __m256i bytes = bytesOf(vector(f), vector(f + 1), vector(f + 2), vector(f + 3), range);
    if (NV == 2 && last == F32::lanes) {
      uint8_t* to = y + f / NV * ldc;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
      if (f + 2 < count) _mm_storeu_si128(reinterpret_cast<__m128i*>(to + ldc), _mm256_extracti128_si256(bytes, 1));
      continue;
    }
    alignas(32) uint64_t eights[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(eights), bytes);
    DSNK_UNROLL for (int i = 0; i < 4; i++) {
      const int at = f + i;
      if (at < count) storeSome(eights[i], y + at / NV * ldc + at % NV * F32::lanes, at % NV == NV - 1 ? last : 8);
    }
  }
}
