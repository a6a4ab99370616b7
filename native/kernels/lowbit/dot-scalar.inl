// Codes in plain C++: four to a word, the first k in the low byte.
constexpr int kCodeRows = 1, kCodePanels = 1, kFloatRows = 1;
constexpr int codeOffset(int) { return 0; }

DSNK_INLINE void accumulateFloats(F32& acc, F32 a, F32 w) { acc = fma(a, w, acc); }

DSNK_INLINE I32 largestBits(I32 a, I32 b) { return {a.v > b.v ? a.v : b.v}; }

// acc + codes·q, wrapping; codes unsigned, q signed.
template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  const auto x = static_cast<uint32_t>(codes.v), y = static_cast<uint32_t>(q.v);
  for (int i = 0; i < 32; i += 8) {
    acc = acc + I32{static_cast<int32_t>(x >> i & 255) * static_cast<int8_t>(y >> i & 255)};
  }
}
