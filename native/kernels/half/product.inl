// Computes  y[b,i,j] = activation(scale·Σ_k r(a[b,i,k])·w[b,k,j] + addScale·(bias + residual[b,i,j])), where r rounds to
//           the nearest half, w are the weights as half_pack rounds them, and a[i] is a row of a matrix or what output
//           pixel i of a convolution sees
// Shapes    a, y, bias, residual: float32, as gemm.inl and conv.inl have them; b: packed by half_pack
// Numerics  operands: round to nearest even, 2^-11 of each; activations below 2^-14 to 2^-25, weights below 2^-14 of
//           their column's scale 2^e to 2^-25 of it. Sums: chains of 32 fused multiply-adds in halves; four such chains
//           are added in halves, one after the other, and that to a sum of floats. All rows have this order, so they are
//           bit-equal before activations. Each product passes at most 32 + 3 roundings to halves, each off by 2^-11 of
//           the sum so far or 2^-25: with a and b rounded, a sum is within (35.5·2^-11 + (K/128 + 5)·2^-24)·Σ|a||w| +
//           1.02·K·2^-25·2^e of the exact one. Those are worst cases; errors of random sign leave a tenth. Range:
//           weights count as at most 1 here, so no sum of 128 leaves halves (65504) while all |a| ≤ 500. Beyond that one
//           may become infinite, as an activation above 65519 does, and infinite or NaN the result. Neither tiles
//           nor threads change a result
// Tiling    narrow/product.h, with tiles of 8 rows x 16 columns: 16 accumulators, 2 vectors of b, 8 of a (eight k of a
//           row each, multiplied by lane) of 32 registers, 24 loads for 128 FMLA. Sums of chains stand on the stack: one
//           addition for 32 FMLA. Sums of floats too: two FCVTL (two cycles of one of the two pipes each, on A76) and two
//           FMLA for 128, and all stores take those pipes. llvm-mca (Clang 19's code, neoverse-n1): eight k alone 1.98 FMLA
//           a cycle of 2; 128 k with the sums 1.79 (cortex-a55: 1.00 and 0.87 of 1). Rejected: eight chains of 16, a bound
//           of 23·2^-11, 1.69; chains kept in registers between each other, copied and spilled
// Packing   b[K,N] as panels of 16 columns, k up to 8 with zeros, each behind the scales of its columns:
//             s[0] … s[15] (floats)   b[0][0] … b[0][15]   b[1][0] … b[1][15]   …
// Source    as micro.inl

// The columns that one panel has, in every row.
constexpr int kHalfNr = 16;

struct HalfBlock {
  const uint16_t* a;
  int64_t stride;
  const uint16_t* b;  // behind the scales
  const float* scales;
  int64_t panelStride;
  int64_t k;    // a multiple of 8
  float* sums;  // rows kTileBlock apart
};

template <int MR, int NV>
struct HalfTile {
  F16 v[MR][NV];
};

// Vector j of a tile lies in panel j / kHalfVectors.
constexpr int kHalfVectors = kHalfNr / F16::lanes;
template <class T>
DSNK_INLINE T* halfVector(T* panels, int64_t panelStride, int j) {
  return panels + j / kHalfVectors * panelStride + j % kHalfVectors * F16::lanes;
}

template <int lane, bool first, int MR, int NV>
DSNK_INLINE void halfStep(HalfTile<MR, NV>& t, const Octet (&a)[MR], const uint16_t* b, int64_t panelStride) {
  F16 bv[NV];
  DSNK_UNROLL for (int j = 0; j < NV; j++) bv[j] = F16::load(halfVector(b, panelStride, j) + lane * kHalfNr);
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      if constexpr (first && lane == 0) {
        t.v[r][j] = multiply<lane>(bv[j], a[r]);
      } else {
        accumulate<lane>(t.v[r][j], bv[j], a[r]);
      }
    }
  }
}

// Eight k of every row. The first ones of a chain begin it.
template <bool first, int MR, int NV>
DSNK_INLINE void halfOctet(HalfTile<MR, NV>& t, const uint16_t* rows, int64_t stride, const uint16_t* b,
                           int64_t panelStride) {
  Octet a[MR];
  DSNK_UNROLL for (int r = 0; r < MR; r++) a[r] = loadOctet(rows + r * stride);
  halfStep<0, first>(t, a, b, panelStride);
  halfStep<1, first>(t, a, b, panelStride);
  halfStep<2, first>(t, a, b, panelStride);
  halfStep<3, first>(t, a, b, panelStride);
  halfStep<4, first>(t, a, b, panelStride);
  halfStep<5, first>(t, a, b, panelStride);
  halfStep<6, first>(t, a, b, panelStride);
  halfStep<7, first>(t, a, b, panelStride);
}

template <int MR, int NV>
__attribute__((noinline)) static void halfTile(const HalfBlock& g) {
  alignas(64) uint16_t memory[MR * NV * F16::lanes];
  // In memory and nowhere else: kept in registers they are copied and spilled around every chain.
  uint16_t* chains = memory;
  const auto chain = [&](int r, int j) __attribute__((always_inline)) { return chains + (r * NV + j) * F16::lanes; };
  const uint16_t *a = g.a, *b = g.b;
  const int64_t stride = g.stride, panelStride = g.panelStride, depth = g.k;
  float* sums = g.sums;
  for (int r = 0; r < MR; r++) {
    for (int j = 0; j < NV * F16::lanes; j += F32::lanes) F32::zero().store(sums + r * kTileBlock + j);
  }
  for (int64_t k0 = 0; k0 < depth; k0 += kHalfChain * kHalfChains) {
    int64_t left = depth - k0 < kHalfChain * kHalfChains ? depth - k0 : kHalfChain * kHalfChains;
    HalfTile<MR, NV> t;
    for (bool alone = true;; alone = false) {
      halfOctet<true>(t, a, stride, b, panelStride);
      a += 8;
      b += 8 * kHalfNr;
      for (int64_t more = left < kHalfChain ? left : kHalfChain; more > 8; more -= 8) {
        halfOctet<false>(t, a, stride, b, panelStride);
        a += 8;
        b += 8 * kHalfNr;
      }
      left -= kHalfChain;
      asm volatile("" : "+r"(chains) : : "memory");
      if (!alone) {
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = F16::load(chain(r, j)) + t.v[r][j];
        }
      }
      if (left <= 0) break;
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j].store(chain(r, j));
      }
    }
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const F16Scale scale(halfVector(g.scales, panelStride / 2, j));
      DSNK_UNROLL for (int r = 0; r < MR; r++) { addScaled(t.v[r][j], scale, sums + r * kTileBlock + j * F16::lanes); }
    }
  }
}

// Rows of a tile, and of one of two panels: the registers of A are as many as rows. The definition has one tile only.
constexpr int kHalfMr = F16::lanes == 1 ? 1 : kHalfRows, kHalfWideRows = F16::lanes == 1 ? 0 : kHalfRows / 2;

template <int NV, int most>
struct HalfTilesOf {
  using Run = void (*)(const HalfBlock&);
  template <int MR>
  static constexpr Run of = halfTile<(MR < most ? MR : most), NV>;
  static constexpr Run row[9] = {nullptr, of<1>, of<2>, of<3>, of<4>, of<5>, of<6>, of<7>, of<8>};
};

template <int lanes = F16::lanes>
DSNK_INLINE auto halfTileOf(int rows, int vectors) {
  if constexpr (lanes > 1) {
    if (vectors == 1) return HalfTilesOf < 1, lanes == 1 ? 1 : kHalfMr > ::row[rows];
    if (vectors > kHalfVectors) return HalfTilesOf < 2 * kHalfVectors, lanes == 1 ? 1 : kHalfWideRows > ::row[rows];
  }
  return HalfTilesOf<kHalfVectors, kHalfMr>::row[rows];
}

DSNK_INLINE int halfTileVectors(int rows, int64_t columns) {
  if (rows <= kHalfWideRows && columns > kHalfNr) return 2 * kHalfVectors;
  return F16::lanes > 1 && columns <= F16::lanes ? 1 : kHalfVectors;
}

// A block of all k (narrow/product.inl): halves pass through no partial sums.
struct HalfProduct {
  template <class Ending>
  void multiply(const NarrowBlock& whole, const Ending& e) {
    alignas(64) float sums[kHalfMr * kTileBlock];
    // Rows are cut evenly: a short tile has too few chains.
    const int64_t tall = ceilDiv(whole.rows, kHalfMr), least = whole.rows / tall, taller = whole.rows % tall;
    for (int64_t n = 0; n < whole.columns;) {
      const int vectors = halfTileVectors(static_cast<int>(least + (taller > 0)), whole.columns - n);
      const int64_t wide = vectors <= kHalfVectors ? kHalfNr : 2 * kHalfNr;
      const int64_t columns = whole.columns - n < wide ? whole.columns - n : wide;
      const float* panel = whole.b + n / kHalfNr * whole.panelStride;
      HalfBlock g{nullptr, whole.stride * 2,      reinterpret_cast<const uint16_t*>(panel + kHalfNr),
                  panel,   whole.panelStride * 2, whole.k * 2,
                  sums};
      int64_t row = 0;
      for (int64_t i = 0; i < tall; i++) {
        const int height = static_cast<int>(least + (i < taller));
        g.a = reinterpret_cast<const uint16_t*>(whole.a + row * whole.stride);
        halfTileOf(height, vectors)(g);
        e.at(row, n).finishSums(sums, height, columns);
        row += height;
      }
      n += wide;
    }
  }
};

template <class P>
static NarrowProduct halfShape(const Work& w) {
  return halfProductOf(w.as<P>(), kHalfNr, 8);
}
static Fault halfGemm(const Work& w) { return floatGemm<Halves, HalfProduct>(w, halfShape<GemmParams>(w)); }
static Fault halfConv(const Work& w) { return floatConv<Halves, HalfProduct>(w, halfShape<ConvParams>(w)); }
