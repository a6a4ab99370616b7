// Codes times integers by the VEX form of VPDPBUSD: the codes are its unsigned operand. Five rows of 16 columns: 10
// integer accumulators of 16 registers; the floats wait in the first-level cache.
constexpr int kCodeRows = 5, kCodePanels = 2;
constexpr int codeOffset(int) { return 0; }

template <int bits>
DSNK_INLINE void accumulateCodes(I32& acc, I32 codes, I32 q) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc.v) : "x"(codes.v), "x"(q.v));
}
