// lanes.inl for cores that issue in order, two a cycle, with a vector unit and a load pipe of 64 bits (Cortex-A53).
//
// Computes  as lanes.inl
// Shapes    as lanes.inl; one k of a panel is a constant number of floats on
// Numerics  as lanes.inl
// Tiling    the order of instructions is fixed here, rows outside, vectors of b inside. A load of 128 bits would take two
//           cycles in which nothing else issues, so each is three instructions: the lower half to the vector (ldr d), the
//           upper half to a general register (ldr x, in the same cycle as an FMA) and from there to the vector (ins, in
//           the same cycle as the ldr d of another load): one cycle a load. 6x12: 18 sums, 6 of a, twice 3 of b, 30 of 32
//           registers; 18 loads for 72 FMA, at most 0.80 of the FMA ceiling. By the rules of issue (bench/README.md,
//           ARM loops on paper) it reaches 0.77. Rejected:
//             order and loads left to the compiler: 8x12 0.59, 7x12 0.66
//             b held once, vectors outside: 0.71; 7x12 so: 0.54 (spills); b held twice, the last two rows one after the
//             other: 0.73; 8x8: 0.68 (two vectors of b are needed again too soon)
// Packing   none of its own
// Source    the halved loads are common knowledge about this core; the order is our own
//
// Needs: <utility> before the region.
#include "kernels/gemm/lanes.inl"

// Fewer rows have too few FMAs to hide three instructions a load behind them.
constexpr int kLeastRowsInOrder = 3;

// Slots number the FMAs of four k, a round. What a slot loads comes after its FMA; insertions past the last slot come in
// the next round, and the first round finds what they insert.
template <int MR, int NV>
struct InOrder {
  static constexpr int step = MR * NV, round = 4 * step;
  static constexpr int most(int a, int b) { return a > b ? a : b; }
  F32 (&t)[MR][NV];
  const char* p[MR];
  const char* b;
  const char* nextB;   // of the next round
  int64_t at, upper;   // bytes from p to the next four k of a row, and to the second half of them
  int64_t panelBytes;  // between panels
  F32 a[MR];
  F32 columns[2][NV];
  uint64_t halfA[MR], halfB[NV];

  // Rows outside, vectors inside; the last two rows together, so that they are done with the first vectors early.
  static constexpr int paired = MR < 2 ? MR : 2, single = (MR - paired) * NV;
  static constexpr int rowOf(int i) { return i < single ? i / NV : MR - paired + (i - single) % paired; }
  static constexpr int vectorOf(int i) { return i < single ? i % NV : (i - single) / paired; }
  // Load of vector j for step u + 1: from when step u - 1 is done with its register, spread evenly, so that the second
  // half of one load comes with the first half of the next. Those before step 0 belong to the round before.
  static constexpr int early = paired * NV - paired + 1;
  static constexpr bool before(int u, int j) { return u == 0 && j * MR < early; }
  static constexpr int lowSlotB(int u, int j) { return (u * step - early + j * MR + round) % round; }
  // One vector is loaded anew a step later: its upper half must have been inserted before.
  static constexpr int highSlotB(int u, int j) {
    return (lowSlotB(u, j) + (NV == 1 ? (MR + 1) / 2 : most(MR, 2))) % round;
  }
  // Load of row r for the next round, as soon as this one is done with it.
  static constexpr int lowSlotA(int r) { return 3 * step + (r < MR - paired ? r * NV + NV - 1 : step - (MR - r)); }
  static constexpr int halfSlotA(int r) { return lowSlotA(r) - (NV > 1); }
  static constexpr int highSlotA(int r) {
    return r < MR - paired ? lowSlotA(r + 1) - (lowSlotA(r + 1) == lowSlotA(r)) : (lowSlotA(r) + 2) % round;
  }

  // Which vector of b (as 4·NV of them: u·NV + j), which row has that slot; -1 for none.
  static constexpr int lowB(int slot) {
    return firstOf(4 * NV, slot, [](int i) { return lowSlotB(i / NV, i % NV); });
  }
  static constexpr int highB(int slot) {
    return firstOf(4 * NV, slot, [](int i) { return highSlotB(i / NV, i % NV); });
  }
  static constexpr int lowA(int slot) { return firstOf(MR, slot, lowSlotA); }
  static constexpr int halfOfA(int slot) { return firstOf(MR, slot, halfSlotA); }
  static constexpr int highA(int slot) { return firstOf(MR, slot, highSlotA); }
  template <class SlotOf>
  static constexpr int firstOf(int count, int slot, SlotOf slotOf) {
    for (int i = 0; i < count; i++) {
      if (slotOf(i) == slot) return i;
    }
    return -1;
  }

  InOrder(F32 (&sums)[MR][NV], const float* (&rows)[MR], const float* panels, int64_t panelStride)
      : t(sums), b(reinterpret_cast<const char*>(panels)), at(0), panelBytes(panelStride * 4) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) p[r] = reinterpret_cast<const char*>(rows[r]);
  }
};

// v = the 64 bits at p + offset, and x to the upper half of w, in one cycle.
DSNK_INLINE void loadLow(F32& v, const char* p, int64_t offset) {
  asm volatile("ldr %d0, [%1, %2]" : "=w"(v.v) : "r"(p), "r"(offset));
}
DSNK_INLINE void loadLow(F32& v, const char* p, int64_t offset, F32& w, uint64_t x) {
  asm volatile("ldr %d0, [%2, %3]\n\tins %1.d[1], %4" : "=&w"(v.v), "+w"(w.v) : "r"(p), "r"(offset), "r"(x));
}
template <int offset>
DSNK_INLINE void loadLow(F32& v, const char* p) {
  asm volatile("ldr %d0, [%1, %2]" : "=w"(v.v) : "r"(p), "i"(offset));
}
template <int offset>
DSNK_INLINE void loadLow(F32& v, const char* p, F32& w, uint64_t x) {
  asm volatile("ldr %d0, [%2, %3]\n\tins %1.d[1], %4" : "=&w"(v.v), "+w"(w.v) : "r"(p), "i"(offset), "r"(x));
}
DSNK_INLINE void insertHigh(F32& w, uint64_t x) { asm volatile("ins %0.d[1], %1" : "+w"(w.v) : "r"(x)); }
template <int offset>
DSNK_INLINE void loadHigh(uint64_t& x, const char* p) {
  asm volatile("ldr %0, [%1, %2]" : "=r"(x) : "r"(p), "i"(offset));
}
// acc += a[lane]·b, alone or in one cycle with x = the 64 bits at p + offset.
template <int lane>
DSNK_INLINE void fmaHere(F32& acc, F32 a, F32 b) {
  asm volatile("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(acc.v) : "w"(b.v), "w"(a.v), "i"(lane));
}
template <int lane>
DSNK_INLINE void fmaHere(F32& acc, F32 a, F32 b, uint64_t& x, const char* p, int64_t offset) {
  asm volatile("fmla %0.4s, %2.4s, %3.s[%4]\n\tldr %1, [%5, %6]"
               : "+w"(acc.v), "=&r"(x)
               : "w"(b.v), "w"(a.v), "i"(lane), "r"(p), "r"(offset));
}
template <int lane, int offset>
DSNK_INLINE void fmaHere(F32& acc, F32 a, F32 b, uint64_t& x, const char* p) {
  asm volatile("fmla %0.4s, %2.4s, %3.s[%4]\n\tldr %1, [%5, %6]"
               : "+w"(acc.v), "=&r"(x)
               : "w"(b.v), "w"(a.v), "i"(lane), "r"(p), "i"(offset));
}

template <int stepFloats, int panel, int slot, int MR, int NV>
DSNK_INLINE void slotInOrder(InOrder<MR, NV>& g) {
  using G = InOrder<MR, NV>;
  constexpr int u = slot / G::step, r = G::rowOf(slot % G::step), j = G::vectorOf(slot % G::step);
  constexpr int lowB = G::lowB(slot), highB = G::highB(slot);
  constexpr int lowA = G::lowA(slot), halfA = G::halfOfA(slot), highA = G::highA(slot);
  F32& acc = g.t[r][j];
  const F32 a = g.a[r], b = g.columns[u % 2][j];
  if constexpr (lowB >= 0) {
    constexpr int step = lowB / NV, vector = lowB % NV;
    constexpr int offset = ((step + 1) % 4 * stepFloats + vector % panel * F32::lanes) * 4;
    const char* from = step == 3 || G::before(step, vector) ? g.nextB : g.b;
    if constexpr (vector >= panel) from += vector / panel * g.panelBytes;
    F32& low = g.columns[(step + 1) % 2][vector];
    fmaHere<u, offset + 8>(acc, a, b, g.halfB[vector], from);
    if constexpr (highB >= 0) {
      loadLow<offset>(low, from, g.columns[(highB / NV + 1) % 2][highB % NV], g.halfB[highB % NV]);
    } else {
      loadLow<offset>(low, from);
    }
  } else if constexpr (halfA >= 0) {
    fmaHere<u>(acc, a, b, g.halfA[halfA], g.p[halfA], g.upper);
  } else {
    fmaHere<u>(acc, a, b);
  }
  if constexpr (lowB < 0 && highB >= 0) insertHigh(g.columns[(highB / NV + 1) % 2][highB % NV], g.halfB[highB % NV]);
  if constexpr (lowB >= 0 && halfA >= 0)
    asm volatile("ldr %0, [%1, %2]" : "=r"(g.halfA[halfA]) : "r"(g.p[halfA]), "r"(g.upper));
  if constexpr (lowA >= 0 && highA >= 0) {
    loadLow(g.a[lowA], g.p[lowA], g.at, g.a[highA], g.halfA[highA]);
  } else if constexpr (lowA >= 0) {
    loadLow(g.a[lowA], g.p[lowA], g.at);
  } else if constexpr (highA >= 0) {
    insertHigh(g.a[highA], g.halfA[highA]);
  }
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyInOrder(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                 int64_t k) {
  int64_t left = k;
  if (left >= 4) {
    InOrder<MR, NV> g(t, p, b, panelStride);
    asm volatile("" ::: "memory");  // what follows reads without saying so
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      g.a[r] = F32::load(p[r]);
      loadHigh<8>(g.halfA[r], g.p[r]);
    }
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const char* from = g.b + j / panel * g.panelBytes + j % panel * 16;
      g.columns[0][j] = F32::load(reinterpret_cast<const float*>(from));
      if (!InOrder<MR, NV>::before(0, j)) continue;
      g.columns[1][j] = F32::load(reinterpret_cast<const float*>(from) + stepFloats);
      loadHigh<4 * stepFloats + 8>(g.halfB[j], from);
    }
    for (; left >= 4; left -= 4) {
      // The last round loads its own operands again, not what stands behind them.
      const bool more = left >= 8;
      g.at += more ? 16 : 0;
      g.upper = g.at + 8;
      g.nextB = g.b + (more ? 16 * stepFloats : 0);
      [&]<int... slot>(std::integer_sequence<int, slot...>) __attribute__((always_inline)) {
        (slotInOrder<stepFloats, panel, slot>(g), ...);
      }(std::make_integer_sequence<int, InOrder<MR, NV>::round>());
      g.b = g.nextB;
    }
    int64_t done = k - left;
    asm("" : "+r"(done));  // else every pointer is counted up in the loop
    DSNK_UNROLL for (int r = 0; r < MR; r++) p[r] += done;
    b += done * stepFloats;
  }
  multiplyRest<panel>(t, p, b, {stepFloats, panelStride}, left);
}

template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  if constexpr (MR >= kLeastRowsInOrder && NV <= 3) {
    multiplyInOrder<stepFloats, panel>(t, p, b, panelStride, k);
  } else {
    multiplyLanes<panel>(t, p, b, {stepFloats, panelStride}, k);
  }
}
