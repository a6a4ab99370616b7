// The element type of narrow/ for rows with a product of quads, VPDPBUSD. A quad travels as a float.
struct Quads {
  using Source = uint8_t;
  using Stored = uint8_t;
  static constexpr bool sameStored = true;
  static void convert(const uint8_t* from, int64_t n, uint8_t* to) { copyBytes(from, n, to); }
  template <int c, int a, int b, class Tiles>
  static void multiplyTiles(Tiles& tiles) {
    tiles.template multiplyBytes<c, a, b>();
  }
};

// acc += a·b, a unsigned. As assembly for the reason that micro.inl gives: GCC must keep acc where it is.
DSNK_INLINE void accumulate(F32& acc, F32 a, F32 b) {
#ifdef DSNK_VEX_DOT
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc.v) : "x"(a.v), "x"(b.v));
#else
  asm("vpdpbusd %2, %1, %0" : "+v"(acc.v) : "v"(a.v), "v"(b.v));
#endif
}
