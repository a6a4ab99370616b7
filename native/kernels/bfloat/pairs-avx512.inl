// Pairs of bfloats in AVX-512 BF16. A vector of pairs travels as a vector of floats: the layouts are the same.

// acc += a·b. As assembly for the reason that micro.inl gives: GCC must keep acc where it is.
DSNK_INLINE void accumulate(F32& acc, F32 a, F32 b) { asm("vdpbf16ps %2, %1, %0" : "+v"(acc.v) : "v"(a.v), "v"(b.v)); }

DSNK_INLINE __m512i bfloats32(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

static void toBfloats(const float* from, int64_t n, uint16_t* to) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    _mm512_storeu_si512(to + i, bfloats32(_mm512_loadu_ps(from + i), _mm512_loadu_ps(from + i + 16)));
  }
  if (i == n) return;
  const int rest = static_cast<int>(n - i);
  const F32 low = F32::loadFirst(from + i, rest < 16 ? rest : 16),
            high = F32::loadFirst(from + i + 16, rest > 16 ? rest - 16 : 0);
  _mm512_mask_storeu_epi16(to + i, _bzhi_u32(0xffffffff, static_cast<unsigned>(rest)), bfloats32(low.v, high.v));
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
