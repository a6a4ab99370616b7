// What floats.inl and rows.inl need in AVX-512.
constexpr int kFloatRows = 4;

// acc + a·w. As assembly for the reason that micro.inl gives: GCC must keep acc where it is.
DSNK_INLINE void accumulateFloats(F32& acc, F32 a, F32 w) {
  asm("vfmadd231ps %2, %1, %0" : "+v"(acc.v) : "v"(a.v), "v"(w.v));
}

DSNK_INLINE I32 largestBits(I32 a, I32 b) { return {_mm512_max_epi32(a.v, b.v)}; }
