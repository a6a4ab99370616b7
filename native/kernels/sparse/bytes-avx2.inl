// acc += a·b over quads, a unsigned: even and odd bytes as 16-bit numbers, since VPMADDUBSW would saturate.
DSNK_INLINE void accumulateBytes(F32& acc, F32 a, F32 b) {
  const __m256i x = _mm256_castps_si256(a.v), w = _mm256_castps_si256(b.v);
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(w, 8));
  const __m256i sum = _mm256_add_epi32(_mm256_castps_si256(acc.v), _mm256_add_epi32(even, odd));
  acc = {_mm256_castsi256_ps(sum)};
}
