// Codes times integers by VPMADDUBSW, which saturates at 16 bits: codes up to 15 stay far below (15·127·2). Bytes are
// taken as signed numbers around 128 instead: |w| ≤ 128 times ±|q| ≤ 127 twice is at most 32512.
constexpr int kCodeRows = 4, kCodePanels = 2, kFloatRows = 4;
constexpr int codeOffset(int bits) { return bits == 8 ? 128 : 0; }

DSNK_INLINE void accumulateFloats(F32& acc, F32 a, F32 w) { acc = fma(a, w, acc); }

DSNK_INLINE I32 largestBits(I32 a, I32 b) { return {_mm256_max_epi32(a.v, b.v)}; }

template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  __m256i pairs;
  if constexpr (bits == 8) {
    const __m256i w = _mm256_xor_si256(codes.v, _mm256_set1_epi8(-128));
    pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(q.v, w));
  } else {
    pairs = _mm256_maddubs_epi16(codes.v, q.v);
  }
  acc.v = _mm256_add_epi32(acc.v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
