// The end of a product's sums: y = activation(scale·t + addScale·(bias + residual)), from the registers of micro.inl.
// Needs: micro.inl.
#include "kernels/epilogue/clamp.inl"

// What happens to a finished sum. Pointers stand at the tile's first row and column.
struct Epilogue {
  float scale = 1.0f;
  float addScale = 1.0f;
  const float* bias = nullptr;      // of row r, column c: bias[r·biasRow + c·biasColumn]; nullptr = none
  int64_t biasRow = 0;              // elements
  int biasColumn = 1;               // 1: a vector over the columns; 0: one value for the whole row
  const float* residual = nullptr;  // [rows, residualRow]; nullptr = none
  int64_t residualRow = 0;
  int activation = 0;  // enum class Activation
  float alpha = 0.0f, beta = 0.0f;
};

// The epilogue of a whole product, from the parameters and operands of a matrix product.
template <class P>
static Epilogue epilogueOf(const P& p, const float* bias, const float* residual) {
  Epilogue e;
  e.scale = p.scale;
  e.addScale = p.addScale;
  e.bias = bias;
  e.biasRow = p.biasRow;
  e.biasColumn = p.biasColumn;
  e.residual = residual;
  e.residualRow = p.residualRow;
  e.activation = p.activation;
  e.alpha = p.alpha;
  e.beta = p.beta;
  return e;
}

// Epilogue and store.
template <int MR, int NV>
DSNK_INLINE void finish(Tile<MR, NV>& t, float* y, int64_t ldc, int64_t columns, const Epilogue& e) {
  const int last = Tile<MR, NV>::lastOf(columns);
  const F32 scale = F32::set(e.scale), addScale = F32::set(e.addScale);
  if (e.scale != 1.0f) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) { DSNK_UNROLL for (int j = 0; j < NV; j++) t.v[r][j] = t.v[r][j] * scale; }
  }
  if (e.bias != nullptr && e.biasRow == 0 && e.biasColumn != 0) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const F32 bias = take<NV>(e.bias + j * F32::lanes, j, last) * addScale;
      DSNK_UNROLL for (int r = 0; r < MR; r++) t.v[r][j] = t.v[r][j] + bias;
    }
  } else if (e.bias != nullptr) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        const float* at = e.bias + r * e.biasRow;
        const F32 bias = e.biasColumn ? take<NV>(at + j * F32::lanes, j, last) : F32::set(*at);
        t.v[r][j] = t.v[r][j] + bias * addScale;
      }
    }
  }
  if (e.residual != nullptr) {
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      DSNK_UNROLL for (int j = 0; j < NV; j++) {
        t.v[r][j] = t.v[r][j] + take<NV>(e.residual + r * e.residualRow + j * F32::lanes, j, last) * addScale;
      }
    }
  }
  Clamp(e.activation, e.alpha, e.beta)(t.v);
  t.store(y, ldc, columns);
  if (!isClamp(e.activation)) {
    sweepOf(e.activation)(y, {nullptr, ldc, MR, static_cast<int>(columns), e.alpha, e.beta});
  }
}
