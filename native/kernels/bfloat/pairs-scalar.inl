// Pairs of bfloats in plain C++: the definition. A pair is one 32-bit word, its even k in the low half, and travels as
// the bits of a float.

// acc + a·b: the odd product first, then the even one, each sum rounded and flushed: VDPBF16PS as Intel's manual writes
// it. A product of two bfloats has 16 bits: it is exact unless it leaves the range of floats.
DSNK_INLINE void accumulate(F32& acc, F32 a, F32 b) {
  const auto x = static_cast<uint32_t>(bitsOf(a).v), y = static_cast<uint32_t>(bitsOf(b).v);
  const auto high = [](uint32_t w) { return flushed(floatOfBits(w & 0xffff0000)); };
  const auto low = [](uint32_t w) { return flushed(floatOfBits(w << 16)); };
  acc.v = flushed(acc.v + high(x) * high(y));
  acc.v = flushed(acc.v + low(x) * low(y));
}

static void toBfloats(const float* from, int64_t n, uint16_t* to) {
  for (int64_t i = 0; i < n; i++) to[i] = flushedBfloat(from[i]);
}

// The element type of narrow/.
struct Bfloats {
  using Source = float;
  using Stored = uint16_t;
  static constexpr bool sameStored = false;
  static void convert(const float* from, int64_t n, uint16_t* to) { toBfloats(from, n, to); }
  template <int c, int a, int b, class Tiles>
  static void multiplyTiles(Tiles& tiles) {
    tiles.template multiplyBfloats<c, a, b>();
  }
};
