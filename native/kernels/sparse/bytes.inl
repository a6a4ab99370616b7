// gemm.inl over bytes: a quad of kept values belongs to eight k, which stand in every 64 bits of a vector; positions become
// bytes 0 … 3 for the first two of a quad and 4 … 7 for the others. Needs Eight and quadPositions from picks-<isa>.inl, and
// accumulate over quads.

struct SparseBytes {
  using Number = uint8_t;
  static constexpr unsigned flip = kSparseFlip;

  template <int MR, int NV>
  static inline __attribute__((always_inline)) void block(Tile<MR, NV>& t, const uint8_t* a, int64_t stride,
                                                          I32 (&words)[NV], const float* values) {
    DSNK_UNROLL for (int q = 0; q < 4; q++, values += kNr) {
      Eight eight[MR];
      DSNK_UNROLL for (int r = 0; r < MR; r++) eight[r] = Eight::load(a + r * stride + 8 * q);
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        const F32 w = F32::load(values + j * F32::lanes);
        const I32 at = quadPositions(words[j]);
        DSNK_UNROLL for (int r = 0; r < MR; r++) accumulateBytes(t.v[r][j], eight[r].pick(at), w);
        words[j] = shiftRight<2>(words[j]);
      }
    }
  }
};

static Fault sparseGemmBytes(const Work& w) {
  const auto& p = w.as<IntegerGemmParams>();
  IntegerEnding ending(p, w);
  ending.residualRow = p.residualRow;
  return sparseProduct<SparseBytes>(w, p, ending);
}
