// Bytes in plain C++: the definition. A quad is one 32-bit word, its first k in the low byte, and travels as the bits of
// a float.

// acc + a·b, wrapping; a unsigned, b signed.
DSNK_INLINE void accumulate(F32& acc, F32 a, F32 b) {
  const auto x = static_cast<uint32_t>(bitsOf(a).v), y = static_cast<uint32_t>(bitsOf(b).v);
  I32 sum = bitsOf(acc);
  for (int i = 0; i < 32; i += 8) {
    sum = sum + I32{static_cast<int32_t>(x >> i & 255) * static_cast<int8_t>(y >> i & 255)};
  }
  acc = fromBits(sum);
}

struct Quads {
  using Source = uint8_t;
  using Stored = uint8_t;
  static constexpr bool sameStored = true;
  static void convert(const uint8_t* from, int64_t n, uint8_t* to) { std::memcpy(to, from, static_cast<size_t>(n)); }
  template <int c, int a, int b, class Tiles>
  static void multiplyTiles(Tiles& tiles) {
    tiles.template multiplyBytes<c, a, b>();
  }
};

DSNK_INLINE I32 roundBytes(F32 x) { return roundToI32(max(min(x, F32::set(65536.0f)), F32::set(-65536.0f))); }

DSNK_INLINE I32 loadBytes(const uint8_t* p, int n) { return {n > 0 ? *p : 0}; }

DSNK_INLINE void storeVector(I32 v, uint8_t* y, int n, const ByteRange& range) {
  const int x = v.v + range.zero;
  if (n > 0) *y = static_cast<uint8_t>(x < range.low ? range.low : x > range.high ? range.high : x);
}

template <int MR, int NV>
DSNK_INLINE void storeTile(const Tile<MR, NV>& t, uint8_t* y, int64_t ldc, int64_t columns, const ByteRange& range) {
  for (int r = 0; r < MR; r++) {
    for (int j = 0; j < NV; j++) storeVector(bitsOf(t.v[r][j]), y + r * ldc + j, j < columns ? 1 : 0, range);
  }
}
