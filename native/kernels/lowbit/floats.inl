// Computes  y[i,n] = Σ_k x[i,k]·((u[k,n] - z[g,n])·s[g,n]) + bias[n], u the codes of the weights, g = ⌊k/group⌋
// Shapes    y: f32, rows ldc apart; x: f32 [M,K]; weights: packed by lowbit_pack
// Numerics  a weight is rounded twice, as DequantizeLinear has it; then one chain of fma over k ascending, the bias last:
//           |error| ≤ (K + 2)·2^-24·Σ|x||w|
// Tiling    up to four rows of two vectors from the bits: a k is unpacked once for all of them.
//           From kLowBitManyRows rows on, blocks of 256 k become floats in scratch (32 KB in AVX-512), and the tile is that of
//           micro.inl: unpacking is a hundredth of 197 rows. Multiplying them from the bits, ten rows at a time, took 1.5
//           times as long
// Source    none
// Needs: kFloatRows, accumulateFloats(acc, a, w), micro.inl with panels of two vectors.

template <int bits, int MR>
static void floatTile(const LowBitShape& shape, int zero, const float* x, const uint8_t* panel, float* y, int64_t ldc,
                      const float* bias, int64_t columns) {
  F32 sum[MR][2];
  DSNK_UNROLL for (int r = 0; r < MR; r++) sum[r][0] = sum[r][1] = F32::zero();
  const int64_t unitBytes = shape.unitBytes();
  const uint8_t* block = panel;
  alignas(64) float rest[MR][kLowBitUnit];
  for (int64_t k0 = 0; k0 < shape.k; k0 += shape.group, block += shape.blockBytes()) {
    const auto* head = reinterpret_cast<const float*>(block);
    const F32 scale[2] = {F32::load(head), F32::load(head + F32::lanes)};
    F32 off[2] = {F32::set(static_cast<float>(zero)), F32::set(static_cast<float>(zero))};
    if (shape.zeros != 0) {
      off[0] = F32::load(head + kLowBitNr);
      off[1] = F32::load(head + kLowBitNr + F32::lanes);
    }
    const int64_t k1 = shape.k - k0 < shape.group ? shape.k : k0 + shape.group;
    const uint8_t* unit = block + shape.headBytes();
    for (int64_t k = k0; k < k1; k += kLowBitUnit, unit += unitBytes) {
      const float* from = x + k;
      int64_t stride = shape.k;
      if (k1 - k < kLowBitUnit) {  // zeros behind the last k
        for (int r = 0; r < MR; r++) {
          for (int64_t i = 0; i < kLowBitUnit; i++) rest[r][i] = i < k1 - k ? x[r * shape.k + k + i] : 0.0f;
        }
        from = rest[0];
        stride = kLowBitUnit;
      }
      eachQuad([&](auto quad) __attribute__((always_inline)) {
        constexpr int i = decltype(quad)::value;
        const I32 codes[2] = {codesOf<bits, i, 0>(unit), codesOf<bits, i, 1>(unit)};
        const auto step = [&](auto byte) __attribute__((always_inline)) {
          constexpr int b = decltype(byte)::value;
          const F32 w0 = (toF32(shifted<8 * b>(codes[0]) & I32::set(255)) - off[0]) * scale[0];
          const F32 w1 = (toF32(shifted<8 * b>(codes[1]) & I32::set(255)) - off[1]) * scale[1];
          DSNK_UNROLL for (int r = 0; r < MR; r++) {
            const F32 a = F32::set(from[r * stride + 4 * i + b]);
            accumulateFloats(sum[r][0], a, w0);
            accumulateFloats(sum[r][1], a, w1);
          }
        };
        eachQuad(step);
      });
    }
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    storeResult(sum[r][0], bias, y + r * ldc, columns);
    storeResult(sum[r][1], bias == nullptr ? nullptr : bias + F32::lanes, y + r * ldc + F32::lanes,
                columns - F32::lanes);
  }
}

// Weights [k0, k1) of a panel as floats, k by k; k0 and the space behind k1 are whole units.
template <int bits>
static void unpackPanel(const LowBitShape& shape, int zero, const uint8_t* panel, int64_t k0, int64_t k1, float* to) {
  const int64_t unitBytes = shape.unitBytes(), headBytes = shape.headBytes(), blockBytes = shape.blockBytes();
  for (int64_t k = k0; k < k1; k += kLowBitUnit) {
    const uint8_t* block = panel + k / shape.group * blockBytes;
    const uint8_t* unit = block + headBytes + k % shape.group / kLowBitUnit * unitBytes;
    const auto* head = reinterpret_cast<const float*>(block);
    const F32 scale[2] = {F32::load(head), F32::load(head + F32::lanes)};
    F32 off[2] = {F32::set(static_cast<float>(zero)), F32::set(static_cast<float>(zero))};
    if (shape.zeros != 0) {
      off[0] = F32::load(head + kLowBitNr);
      off[1] = F32::load(head + kLowBitNr + F32::lanes);
    }
    eachQuad([&](auto quad) __attribute__((always_inline)) {
      constexpr int i = decltype(quad)::value;
      const I32 codes[2] = {codesOf<bits, i, 0>(unit), codesOf<bits, i, 1>(unit)};
      eachQuad([&](auto byte) __attribute__((always_inline)) {
        constexpr int b = decltype(byte)::value;
        float* row = to + (k - k0 + 4 * i + b) * kLowBitNr;
        ((toF32(shifted<8 * b>(codes[0]) & I32::set(255)) - off[0]) * scale[0]).store(row);
        ((toF32(shifted<8 * b>(codes[1]) & I32::set(255)) - off[1]) * scale[1]).store(row + F32::lanes);
      });
    });
  }
}

// y of one panel += x·weights for k of them. Not inlined: it is the same for all widths.
__attribute__((noinline)) static void multiplyRows(const LowBitShape& shape, const float* x, int64_t rows,
                                                   const float* weights, int64_t k0, int64_t k, float* y, int64_t ldc,
                                                   const float* bias) {
  eachRows<kMr>(0, rows, [&](auto count, int64_t row) __attribute__((always_inline)) {
    constexpr int MR = decltype(count)::value;
    Tile<MR, 2> t;
    if (k0 == 0) {
      t.clear();
    } else {
      t.load(y + row * ldc, ldc, kLowBitNr);
    }
    multiplyAdd(t, StridedRows{x + row * shape.k + k0, shape.k}, weights, 0, k);
    if (bias != nullptr) {
      DSNK_UNROLL for (int r = 0; r < MR; r++) {
        DSNK_UNROLL for (int j = 0; j < 2; j++) t.v[r][j] = t.v[r][j] + F32::load(bias + j * F32::lanes);
      }
    }
    t.store(y + row * ldc, ldc, kLowBitNr);
  });
}

// Many rows: the weights of a panel become floats once for all of them, a block of k at a time, and the tile of dense
// products multiplies. The same chain of fma as floatTile: partial sums that go through memory are the same floats.
template <int bits>
static void floatRows(const LowBitShape& shape, int zero, const float* x, int64_t rows, const uint8_t* panel, float* y,
                      int64_t ldc, const float* bias, float* weights) {
  for (int64_t k0 = 0; k0 < shape.k; k0 += kLowBitBlock) {
    const int64_t k1 = shape.k - k0 < kLowBitBlock ? shape.k : k0 + kLowBitBlock;
    unpackPanel<bits>(shape, zero, panel, k0, k1, weights);
    multiplyRows(shape, x, rows, weights, k0, k1 - k0, y, ldc, k1 == shape.k ? bias : nullptr);
  }
}

template <int bits>
static void floatProduct(const LowBitFloatParams& p, const Work& w) {
  const LowBitShape shape = lowBitShape(p, kLowBitNr);
  const LowBitPart part = lowBitPart(p.m, shape.panels(), kFloatRows, w.tile, w.tiles);
  const int64_t rows = part.rows.end - part.rows.begin;
  for (int64_t panel = part.panels.begin; panel < part.panels.end; panel++) {
    const int64_t column = panel * kLowBitNr, at = part.rows.begin;
    const float* bias = w.operand[3] == nullptr ? nullptr : w.at<const float>(3) + column;
    const uint8_t* from = w.at<const uint8_t>(2) + panel * shape.panelBytes();
    if (rows >= kLowBitManyRows && p.k > 0 && p.n - column >= kLowBitNr) {
      floatRows<bits>(shape, p.zero, w.at<const float>(1) + at * p.k, rows, from, w.at<float>(0) + at * p.ldc + column,
                      p.ldc, bias, reinterpret_cast<float*>(w.scratch));
      continue;
    }
    eachRows<kFloatRows>(part.rows.begin, part.rows.end, [&](auto count, int64_t row) {
      floatTile<bits, decltype(count)::value>(shape, p.zero, w.at<const float>(1) + row * p.k, from,
                                              w.at<float>(0) + row * p.ldc + column, p.ldc, bias, p.n - column);
    });
  }
}

static Fault lowBitGemmFloats(const Work& w) {
  const auto& p = w.as<LowBitFloatParams>();
  if (p.bits == 8) floatProduct<8>(p, w);
  if (p.bits == 4) floatProduct<4>(p, w);
  if (p.bits == 3) floatProduct<3>(p, w);
  if (p.bits == 2) floatProduct<2>(p, w);
  return Fault::none;
}
