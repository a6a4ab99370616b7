// Bytes in AVX-512: sixteen integers become 16 bytes, four vectors at a time.

// One masked piece where a row is short: half the instructions of a loop over bytes.
static void copyBytes(const uint8_t* from, int64_t n, uint8_t* to) {
  for (; n >= 64; n -= 64, from += 64, to += 64) _mm512_storeu_si512(to, _mm512_loadu_si512(from));
  if (n == 0) return;
  const __mmask64 rest = _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n));
  _mm512_mask_storeu_epi8(to, rest, _mm512_maskz_loadu_epi8(rest, from));
}

// Too large for an int32 must stay positive; too small may become INT32_MIN. A NaN becomes the bound.
DSNK_INLINE I32 roundBytes(F32 x) { return roundToI32(min(x, F32::set(65536.0f))); }

DSNK_INLINE I32 loadBytes(const uint8_t* p, int n) {
  if (n == F32::lanes) return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  return {_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(firstLanes(n), p))};
}

DSNK_INLINE void storeVector(I32 v, uint8_t* y, int n, const ByteRange& range) {
  const __m512i x = _mm512_add_epi32(_mm512_max_epi32(v.v, _mm512_set1_epi32(-65536)), _mm512_set1_epi32(range.zero));
  const __m512i clamped =
      _mm512_min_epi32(_mm512_max_epi32(x, _mm512_set1_epi32(range.low)), _mm512_set1_epi32(range.high));
  if (n == F32::lanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_cvtepi32_epi8(clamped));
  } else {
    _mm_mask_storeu_epi8(y, firstLanes(n), _mm512_cvtepi32_epi8(clamped));
  }
}

// Four vectors as bytes: the first lanes of 128 bits of all four, then the second ones.
DSNK_INLINE __m512i packedBytes(__m512i a, __m512i b, __m512i c, __m512i d, const ByteRange& range) {
  const __m512i zero = _mm512_set1_epi16(static_cast<int16_t>(range.zero));
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
  const __m512i bytes = _mm512_packus_epi16(low, high);
  return _mm512_min_epu8(_mm512_max_epu8(bytes, _mm512_set1_epi8(static_cast<int8_t>(range.low))),
                         _mm512_set1_epi8(static_cast<int8_t>(range.high)));
}

// The same one after the other: one permutation of words undoes the interleaving.
DSNK_INLINE __m512i bytesOf(__m512i a, __m512i b, __m512i c, __m512i d, const ByteRange& range) {
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                  packedBytes(a, b, c, d, range));
}

template <int MR, int NV>
DSNK_INLINE void storeTile(const Tile<MR, NV>& t, uint8_t* y, int64_t ldc, int64_t columns, const ByteRange& range) {
  constexpr int count = MR * NV;
  const int last = Tile<MR, NV>::lastOf(columns);
  const bool whole = last == F32::lanes;
  const auto vector = [&](int i) __attribute__((always_inline)) {
    const int at = i < count ? i : count - 1;
    return bitsOf(t.v[at / NV][at % NV]).v;
  };
  DSNK_UNROLL for (int f = 0; f < count; f += 4) {
    const __m512i bytes = bytesOf(vector(f), vector(f + 1), vector(f + 2), vector(f + 3), range);
    uint8_t* to = y + f / NV * ldc + f % NV * F32::lanes;
    if constexpr (NV >= 4) {
      if (whole || f % NV + 4 < NV) {
        _mm512_storeu_si512(to, bytes);
      } else {
        _mm512_mask_storeu_epi8(to, _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(48 + last)), bytes);
      }
    } else if constexpr (NV == 2) {
      const __m256i upper = _mm512_extracti64x4_epi64(bytes, 1);
      if (whole) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(bytes));
        if (f + 2 < count) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + ldc), upper);
      } else {
        const __mmask32 rest = _bzhi_u32(~uint32_t{0}, static_cast<unsigned>(16 + last));
        _mm256_mask_storeu_epi8(to, rest, _mm512_castsi512_si256(bytes));
        if (f + 2 < count) _mm256_mask_storeu_epi8(to + ldc, rest, upper);
      }
    } else {
      static_assert(NV == 1, "one, two, four or eight vectors");
      const __mmask16 rest = firstLanes(last);
      _mm_mask_storeu_epi8(to, rest, _mm512_castsi512_si128(bytes));
      if (f + 1 < count) _mm_mask_storeu_epi8(to + ldc, rest, _mm512_extracti32x4_epi32(bytes, 1));
      if (f + 2 < count) _mm_mask_storeu_epi8(to + 2 * ldc, rest, _mm512_extracti32x4_epi32(bytes, 2));
      if (f + 3 < count) _mm_mask_storeu_epi8(to + 3 * ldc, rest, _mm512_extracti32x4_epi32(bytes, 3));
    }
  }
}
