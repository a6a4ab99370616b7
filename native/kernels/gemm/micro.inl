// The register tile of every dense float32 kernel: GEMM and the convolutions that are GEMMs over gathered rows.
//
// Computes  t[r][c] += Σ_k a(r, k)·b[k][c]  for MR rows and NV vectors of columns held in registers; then the epilogue
//           (epilogue.inl)
// Shapes    a: MR rows of `k` floats each, given as base + r·stride (StridedRows) or as one pointer a row
//           (PointerRows); b: packed panels, see Packing; y: rows of ldc floats
// Numerics  every element is one chain of fma over k in ascending order, whatever MR, NV and the cutting of k into
//           blocks: a partial sum stored as float and loaded again is the same float. |error| ≤ K·2^-24·Σ|a||b|
// Tiling    AVX-512 14x32: 28 accumulators + 2 of B + 1 broadcast of 32 registers, 16 loads for 28 FMA, so that two
//           loads and two FMA a cycle (Intel) and two loads and one FMA a cycle (Zen 4) are both FMA-bound.
//           AVX2 6x16: 12 + 2 + 2 of 16. AArch64 8x12: lanes.inl. Cortex-A53 6x12: lanes-inorder.inl. ARMv7 6x8:
//           spread.inl. Row tails are templates MR = 1 … kMr, column tails a masked last vector. AVX-512 multiplies a
//           last vector of up to eight columns in 256 bits, half a cycle on Zen 4: 784x144x24 takes 0.87 of the probe
//           instead of 0.71, 784x192x40 0.93 instead of 0.78
// Packing   B[K,N] as ⌈N/kNr⌉ panels [K][kNr], the last one filled with zeros:
//             panel 0: b[0][0..kNr) b[1][0..kNr) … b[K-1][0..kNr)   panel 1: b[0][kNr..2kNr) …
// Source    the accumulate-in-registers outer product of Goto and van de Geijn, Anatomy of High-Performance Matrix
//           Multiplication (2008), §4; the sizes are our own
//
// How to use it: Tile<MR, NV> t; t.clear() or t.load(partial sums); multiplyAdd(t, rows, b, …) as often as there are
// pieces of k (a convolution: one per filter tap); t.store(…) for partial sums or finish(t, …) for the result.
// Needs: the names of simd/vec.h.

#ifdef DSNK_PANEL_VECTORS
constexpr int kPanelVectors = DSNK_PANEL_VECTORS;  // panels packed for wider vectors than these
#else
constexpr int kPanelVectors = F32::lanes == 1 ? 4 : F32::lanes == 4 ? kNeonVectors : 2;
#endif
// Columns of a packed panel. kernels.inc repeats it as `nr`; a static_assert in each ISA's file keeps them equal.
constexpr int kNr = kPanelVectors * F32::lanes;
// Most rows of a tile that is one panel (or less) wide.
#ifdef DSNK_TILE_ROWS
constexpr int kMr = DSNK_TILE_ROWS;
#elif defined(DSNK_IN_ORDER)
constexpr int kMr = 6;
#else
constexpr int kMr = F32::lanes == 16 ? 14 : F32::lanes == 1 ? 3 : kVectorRegisters == 32 ? 8 : 6;
#endif

// Row r starts at base + r·stride.
struct StridedRows {
  const float* base;
  int64_t stride;
};

// Row r starts at row[r] + offset: the rows of an indirection buffer.
struct PointerRows {
  const float* const* row;
  int64_t offset;
};

// Vector j of a tile of NV, of which the last has `last` valid lanes.
template <int NV>
DSNK_INLINE F32 take(const float* p, int j, int last) {
  return j < NV - 1 || last == F32::lanes ? F32::load(p) : F32::loadFirst(p, last);
}
template <int NV>
DSNK_INLINE void put(F32 x, float* p, int j, int last) {
  if (j < NV - 1 || last == F32::lanes) {
    x.store(p);
  } else {
    x.storeFirst(p, last);
  }
}

#define DSNK_UNROLL _Pragma("GCC unroll 32")

// MR rows × NV vectors of partial sums in registers. `columns` below counts the valid ones: all vectors but the last
// are whole, the last holds 1 … lanes.
template <int MR, int NV>
struct Tile {
  F32 v[MR][NV];

  static constexpr int lastOf(int64_t columns) { return static_cast<int>(columns) - (NV - 1) * F32::lanes; }

  inline __attribute__((always_inline)) void clear() {
    DSNK_UNROLL for (int r = 0; r < MR; r++) { DSNK_UNROLL for (int j = 0; j < NV; j++) v[r][j] = F32::zero(); }
  }
  inline __attribute__((always_inline)) void load(const float* y, int64_t ldc, int64_t columns) {
    const int last = lastOf(columns);
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) v[r][j] = take<NV>(y + r * ldc + j * F32::lanes, j, last);
    }
  }
  inline __attribute__((always_inline)) void store(float* y, int64_t ldc, int64_t columns) const {
    const int last = lastOf(columns);
    if (last == F32::lanes) {
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) v[r][j].store(y + r * ldc + j * F32::lanes);
      }
      return;
    }
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) put<NV>(v[r][j], y + r * ldc + j * F32::lanes, j, last);
    }
  }
};

// acc += a·b in the register that holds acc. Left to itself, GCC 12 picks the form that overwrites a factor whenever
// that factor dies, and then moves and spills accumulators inside the loop of 14x32. clang picks well.
template <class V>
DSNK_INLINE void accumulate(V& acc, V a, V b) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (V::lanes > 1) {
    asm("vfmadd231ps %2, %1, %0" : "+v"(acc.v) : "v"(a.v), "v"(b.v));
    return;
  }
#endif
  acc = fma(a, b, acc);
}

// The same for the lower eight of sixteen lanes, in half the time where 512-bit operations pass twice (Zen 4); the
// upper lanes become zero.
constexpr bool kHasHalf = F32::lanes == 16;
template <class V>
DSNK_INLINE void accumulateHalf(V& acc, V a, V b) {
#if defined(__x86_64__)
  if constexpr (V::lanes == 16) {
#if defined(__clang__)  // which has no half of zmm16 to zmm31 for an asm
    const auto half = [](V x) { return _mm512_castps512_ps256(x.v); };
    acc.v = _mm512_zextps256_ps512(_mm256_fmadd_ps(half(a), half(b), half(acc)));
#else
    asm("vfmadd231ps %t2, %t1, %t0" : "+v"(acc.v) : "v"(a.v), "v"(b.v));
#endif
    return;
  }
#endif
  accumulate(acc, a, b);
}

// x in the lower eight lanes: a 256-bit load, of which two pass a cycle where a 512-bit one takes a cycle.
template <class V>
DSNK_INLINE V setHalf(float x) {
#if defined(__x86_64__)
  if constexpr (V::lanes == 16) return V{_mm512_castps256_ps512(_mm256_set1_ps(x))};
#endif
  return V::set(x);
}

// One step of k: row values times NV vectors of B. Vector j lies in panel j / kPanelVectors. With `halfLast` at most
// half of the last vector is wanted.
template <bool halfLast, int MR, int NV, class Value>
DSNK_INLINE void stepK(Tile<MR, NV>& t, const float* b, int64_t panelStride, Value value) {
  F32 bv[NV];
  DSNK_UNROLL for (int j = 0; j < NV; j++) {
    bv[j] = F32::load(b + j / kPanelVectors * panelStride + (j % kPanelVectors) * F32::lanes);
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    const F32 a = halfLast && NV == 1 ? setHalf<F32>(value(r)) : F32::set(value(r));
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      if (halfLast && j == NV - 1) {
        accumulateHalf(t.v[r][j], a, bv[j]);
      } else {
        accumulate(t.v[r][j], a, bv[j]);
      }
    }
  }
}

// A number that the compiler must take as it stands: it can neither derive it from another one nor hoist sums of it.
template <class T>
DSNK_INLINE void opaque(T& x) {
  asm("" : "+r"(x));
}

#ifdef DSNK_ROW_LOOP
#include DSNK_ROW_LOOP
#endif

// t += rows[MR, k] · panels. `b` is the panel at its first k; panels of a tile wider than one lie panelStride floats
// apart (ignored otherwise).
template <bool halfLast = false, int MR, int NV>
DSNK_INLINE void multiplyAdd(Tile<MR, NV>& t, StridedRows a, const float* b, int64_t panelStride, int64_t k) {
#ifdef DSNK_ROW_LOOP
  const float* row[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) row[r] = a.base + r * a.stride;
  multiplyPanels<kNr, kPanelVectors>(t.v, row, b, panelStride, k);
#else
  // One pointer for three rows: base, base + stride, base + 2·stride are one addressing mode each, so that fourteen
  // rows need six registers.
  auto stride = static_cast<intptr_t>(a.stride * 4);  // bytes: one addressing mode then takes it
  const char* p0 = reinterpret_cast<const char*>(a.base);
  const char* p1 = MR > 3 ? p0 + 3 * stride : p0;
  const char* p2 = MR > 6 ? p0 + 6 * stride : p0;
  const char* p3 = MR > 9 ? p0 + 9 * stride : p0;
  const char* p4 = MR > 12 ? p0 + 12 * stride : p0;
  const auto row = [&](int r, int u) __attribute__((always_inline)) {
    const char* p = r < 3 ? p0 : r < 6 ? p1 : r < 9 ? p2 : r < 12 ? p3 : p4;
    return *reinterpret_cast<const float*>(p + r % 3 * stride + u * 4);
  };
  constexpr int unroll = 4;
  const auto advance = [&](int u) __attribute__((always_inline)) {
    p0 += u * 4;
    if (MR > 3) p1 += u * 4;
    if (MR > 6) p2 += u * 4;
    if (MR > 9) p3 += u * 4;
    if (MR > 12) p4 += u * 4;
    b += u * kNr;
    opaque(p0);
    if (MR > 3) opaque(p1);
    if (MR > 6) opaque(p2);
    if (MR > 9) opaque(p3);
    if (MR > 12) opaque(p4);
  };
  int64_t left = k;
  for (; left >= unroll; left -= unroll) {
    DSNK_UNROLL for (int u = 0; u < unroll; u++) {
      opaque(stride);
      stepK<halfLast>(t, b + u * kNr, panelStride, [&](int r) __attribute__((always_inline)) { return row(r, u); });
    }
    advance(unroll);
  }
  for (; left > 0; left--) {
    stepK<halfLast>(t, b, panelStride, [&](int r) __attribute__((always_inline)) { return row(r, 0); });
    advance(1);
  }
#endif
}

template <bool halfLast = false, int MR, int NV>
DSNK_INLINE void multiplyAdd(Tile<MR, NV>& t, PointerRows a, const float* b, int64_t panelStride, int64_t k) {
  const float* p[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) p[r] = a.row[r] + a.offset;
#ifdef DSNK_ROW_LOOP
  multiplyPanels<kNr, kPanelVectors>(t.v, p, b, panelStride, k);
#else
  int64_t i = 0;
  for (; i + 2 <= k; i += 2, b += 2 * kNr) {
    stepK<halfLast>(t, b, panelStride, [&](int r) __attribute__((always_inline)) { return p[r][i]; });
    stepK<halfLast>(t, b + kNr, panelStride, [&](int r) __attribute__((always_inline)) { return p[r][i + 1]; });
  }
  if (i < k) stepK<halfLast>(t, b, panelStride, [&](int r) __attribute__((always_inline)) { return p[r][i]; });
#endif
}
