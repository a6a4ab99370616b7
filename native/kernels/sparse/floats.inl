// gemm.inl over floats: four values of a row in every 128-bit lane, of which each lane of a vector takes the one that its
// position says. Needs Four and Positions from picks-<isa>.inl.

struct SparseFloats {
  using Number = float;
  static constexpr unsigned flip = 0;

  template <int MR, int NV>
  static inline __attribute__((always_inline)) void block(Tile<MR, NV>& t, const float* a, int64_t stride,
                                                          I32 (&words)[NV], const float* values) {
    DSNK_UNROLL for (int g = 0; g < 8; g++) {
      Four four[MR];
      DSNK_UNROLL for (int r = 0; r < MR; r++) four[r] = Four::load(a + r * stride + 4 * g);
      DSNK_UNROLL for (int s = 0; s < 2; s++, values += kNr) {
        DSNK_UNROLL for (int j = 0; j < NV; j++) {
          const F32 w = F32::load(values + j * F32::lanes);
          const Positions at = positionsOf(words[j]);
          DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = fma(four[r].pick(at), w, t.v[r][j]);
          words[j] = shiftRight<2>(words[j]);
        }
      }
    }
  }
};

// The free function, which the ending's own name would hide.
template <int MR, int NV>
DSNK_INLINE void finishFloats(Tile<MR, NV>& t, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  finish(t, y, ldc, columns, e);
}

struct SparseFloatEnding {
  float* y;
  int64_t ldc;
  Epilogue e;

  inline __attribute__((always_inline)) SparseFloatEnding at(int64_t row, int64_t column) const {
    SparseFloatEnding r = *this;
    r.y += row * ldc + column;
    if (e.bias != nullptr) r.e.bias += row * e.biasRow + (e.biasColumn ? column : 0);
    if (e.residual != nullptr) r.e.residual += row * e.residualRow + column;
    return r;
  }
  template <int MR, int NV>
  inline __attribute__((always_inline)) void begin(Tile<MR, NV>& t, int64_t) const {
    t.clear();
  }
  template <int MR, int NV>
  inline __attribute__((always_inline)) void finish(Tile<MR, NV>& t, int64_t columns) const {
    finishFloats(t, y, ldc, columns, e);
  }
};

static Fault sparseGemm(const Work& w) {
  const auto& p = w.as<GemmParams>();
  const Epilogue e = epilogueOf(p, w.at<const float>(3), w.at<const float>(4));
  return sparseProduct<SparseFloats>(w, p, SparseFloatEnding{w.at<float>(0), p.ldc, e});
}
