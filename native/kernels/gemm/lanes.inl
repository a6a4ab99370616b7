// The inner loop of the register tiles on AArch64, where one lane of a vector multiplies another vector without being
// spread first: four k of a row are one load, so that a is read as it stands and is not packed.
//
// Computes  t[r][j] += Σ_k p[r][k]·b[k][j]
// Shapes    p: MR pointers to k floats each, left at their end; b: `panel` vectors of one k stand together, the next ones
//           panelStride floats on, those of the next k columns.step floats on
// Numerics  every element is one chain of fma over k in ascending order
// Tiling    rows in as few groups as the registers allow; each group reads b again, from L1. 8x12: 24 sums, two groups
//           of 4 rows, 3 of b: 31 of 32 registers, 32 loads for 96 FMA. By llvm-mca (`npm run bench:mca`, all in L1) it
//           is bound by FMA: 1.00 of the ceiling of Cortex-A72 and of Neoverse N1, as 7x12, 8x8 and 8x4 are, for which
//           a comes from L2 more often. Rejected, A72 and N1:
//             elements of a spread by ld1r: 8x8 0.86, 0.80; 7x12 0.89, 0.78 (a load and a vector operation for each)
//             8x12 in one group: 0.98, 0.64 (spills); 6x16 in one group: 0.99, 0.79 (spills)
//             8x12 with a packed as [k][8]: 1.00, 1.00, and a copy of a
// Packing   none of its own
// Source    our own

#ifndef DSNK_LANE_PRODUCT  // else the file that says so has defined it
// acc + a[lane]·b
template <int lane>
DSNK_INLINE F32 fmaLane(F32 a, F32 b, F32 acc) {
  return {vfmaq_laneq_f32(acc.v, b.v, a.v, lane)};
}
#endif

// The vectors of one k.
struct LaneColumns {
  int64_t step, panelStride;  // floats
};

template <int lane, int panel, int first, int rows, int MR, int NV>
DSNK_INLINE void stepLane(F32 (&t)[MR][NV], const F32 (&a)[rows], const float* b, int64_t panelStride) {
  F32 bv[NV];
  DSNK_UNROLL for (int j = 0; j < NV; j++) { bv[j] = F32::load(b + j / panel * panelStride + j % panel * F32::lanes); }
  DSNK_UNROLL for (int r = 0; r < rows && first + r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) t[first + r][j] = fmaLane<lane>(a[r], bv[j], t[first + r][j]);
  }
}

// Rows `first` … of four k.
template <int panel, int first, int rows, int MR, int NV>
DSNK_INLINE void groupLanes(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, LaneColumns columns) {
  if constexpr (first < MR) {
    F32 a[rows];
    DSNK_UNROLL for (int r = 0; r < rows && first + r < MR; r++) a[r] = F32::load(p[first + r]);
    stepLane<0, panel, first>(t, a, b, columns.panelStride);
    stepLane<1, panel, first>(t, a, b + columns.step, columns.panelStride);
    stepLane<2, panel, first>(t, a, b + 2 * columns.step, columns.panelStride);
    stepLane<3, panel, first>(t, a, b + 3 * columns.step, columns.panelStride);
    // Nothing moves past this: groups that mix need the registers of both.
    if constexpr (rows < MR) asm volatile("" ::: "memory");
    groupLanes<panel, first + rows, rows>(t, p, b, columns);
  }
}

// Rows of one group: as many as find registers beside all sums and up to three vectors of b.
constexpr int laneGroup(int rows, int vectors) {
  const int free = kVectorRegisters - 1 - rows * vectors - (vectors < 3 ? vectors : 3);
  const int most = free < 1 ? 1 : free < rows ? free : rows;
  const int groups = (rows + most - 1) / most;
  return (rows + groups - 1) / groups;
}

// The k that are no four.
template <int panel, int MR, int NV>
DSNK_INLINE void multiplyRest(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, LaneColumns columns,
                              int64_t left) {
  for (; left > 0; left--, b += columns.step) {
    F32 bv[NV];
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      bv[j] = F32::load(b + j / panel * columns.panelStride + j % panel * F32::lanes);
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      const F32 a = F32::set(*p[r]++);
      DSNK_UNROLL for (int j = 0; j < NV; j++) t[r][j] = fmaLane<0>(a, bv[j], t[r][j]);
    }
  }
}

template <int panel, int MR, int NV>
DSNK_INLINE void multiplyLanes(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, LaneColumns columns,
                               int64_t k) {
  int64_t left = k;
  for (; left >= 4; left -= 4) {
    groupLanes<panel, 0, laneGroup(MR, NV)>(t, p, b, columns);
    DSNK_UNROLL for (int r = 0; r < MR; r++) p[r] += 4;
    b += 4 * columns.step;
  }
  multiplyRest<panel>(t, p, b, columns, left);
}

// b packed, stepFloats from one k to the next.
#ifndef DSNK_IN_ORDER
template <int stepFloats, int panel, int MR, int NV>
DSNK_INLINE void multiplyPanels(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t panelStride,
                                int64_t k) {
  multiplyLanes<panel>(t, p, b, {stepFloats, panelStride}, k);
}
#endif

// b as it stands, `step` floats from one k to the next.
template <int MR, int NV>
DSNK_INLINE void multiplyColumns(F32 (&t)[MR][NV], const float* (&p)[MR], const float* b, int64_t step, int64_t k) {
  multiplyLanes<NV>(t, p, b, {step, 0}, k);
}
