// Codes times integers by VPDPBUSD: the codes are its unsigned operand.
constexpr int kCodeRows = 6, kCodePanels = 4;
constexpr int codeOffset(int) { return 0; }

// As assembly for the reason that micro.inl gives: GCC must keep acc where it is.
template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc.v) : "v"(codes.v), "v"(q.v));
}
