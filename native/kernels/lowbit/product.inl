// Computes  y[i,n] = Σ_g (Σ_{k in g} u[k,n]·q[i,k] - z[g,n]·S[i,g])·(s[g,n]·t[i,g]) + bias[n], with u the codes of the weights, s and z
//           their scales and zero points, q, t and S what lowbit_quantize made of the rows of x: integers, scales, sums
// Shapes    y: f32, rows ldc apart; q: i8 [M, ⌈K/16⌉·16]; t: f32, S: i32 [M, groups]; weights: packed by lowbit_pack
// Numerics  the sum in a group is exact, and so is z·S and the difference where z is an integer: all below 2^24. The product of
//           the scales, that with the sum and each addition over g, ascending, round once, never fused: every row, tile
//           and number of threads gives the same bits
// Tiling    AVX-512: six rows, two vectors: 12 integer and 12 float accumulators, 2 of codes, their source, mask and broadcast are 29 of
//           32. A quad of k is 12 VPDPBUSD on the two ports that multiply; unpacking 4 bits (a shift and two ANDs) goes to
//           the other two on Zen 4. What a group costs on top is two multiplications an accumulator: 12 VPDPBUSD a quad
//           against 24 a group of 32 bound it to 0.80 of the probe, 0.89 at 64, 0.94 at 128. 197x768x3072 reaches 0.72 at
//           32 and 0.87 at 128 on Zen 4; the rest is where groups begin: sums from memory to all lanes, addresses that no
//           register holds. 14 rows would leave no registers for the floats, whose 28 loads and stores a group cost more
//           than the two multiplications that they amortize. A single row takes four panels at a time: eight chains, four
//           streams of memory; 1x4096x4096 runs at 60 to 70 GB/s from the third level. AArch64: the same tiles of 4 lanes,
//           ARMv7 two rows; no board has timed them
//           Eight rows of 110 million 4-bit weights in groups of 32: 7.3 ms as 6 + 2 against 3.1 for one row, which memory
//           bounds; multiplications alone are 4.6. Rejected: 4 + 4 rows (7.9 ms), one tile of eight whose floats lie in
//           the first level (6.9 ms, but a tenth slower where k is 2048)
// Packing   pack.cc
// Source    none; VPDPBUSD: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2
// Needs: kCodeRows (rows of a tile), kCodePanels (panels of a tile of one row), codeOffset(bits): what is taken from codes before they are
// multiplied, accumulateCodes<bits>(acc, codes, q): Σ of quads.

struct CodeRows {
  const int8_t* q;
  const float* scale;
  const int32_t* sum;
  int64_t kPadded, groups;
};

template <int bits, int MR, int NP>
static void codeTile(const LowBitShape& shape, int zero, const CodeRows& x, const uint8_t* panel, float* y, int64_t ldc,
                     const float* bias, int64_t columns) {
  constexpr int NV = 2 * NP;
  F32 sum[MR][NV];
  DSNK_UNROLL for (int r = 0; r < MR; r++) { DSNK_UNROLL for (int j = 0; j < NV; j++) sum[r][j] = F32::zero(); }
  const int64_t panelBytes = shape.panelBytes(), unitBytes = shape.unitBytes(), headBytes = shape.headBytes();
  // What the codes are short of as they are multiplied.
  const auto constant = static_cast<uint32_t>(codeOffset(bits) - (shape.zeros != 0 ? 0 : zero));
  const int8_t* q = x.q;
  const uint8_t* block = panel;
  for (int64_t g = 0; g < shape.groups(); g++) {
    I32 acc[MR][NV];
    DSNK_UNROLL for (int r = 0; r < MR; r++) {
      // Wrapping: a sum may be any number.
      const auto all = static_cast<uint32_t>(x.sum[r * x.groups + g]);
      const I32 first = I32::set(static_cast<int32_t>(constant * all));
      DSNK_UNROLL for (int j = 0; j < NV; j++) acc[r][j] = first;
    }
    const int64_t left = x.kPadded - g * shape.group, length = left < shape.group ? left : shape.group;
    const uint8_t* unit = block + headBytes;
    for (int64_t k = 0; k < length; k += kLowBitUnit, unit += unitBytes) {
      eachQuad([&](auto quad) __attribute__((always_inline)) {
        constexpr int i = decltype(quad)::value;
        I32 codes[NV];
        DSNK_UNROLL for (int p = 0; p < NP; p++) {
          codes[2 * p] = codesOf<bits, i, 0>(unit + p * panelBytes);
          codes[2 * p + 1] = codesOf<bits, i, 1>(unit + p * panelBytes);
        }
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          int32_t word;
          std::memcpy(&word, q + r * x.kPadded + k + 4 * i, 4);
          const I32 a = I32::set(word);
          DSNK_UNROLL for (int j = 0; j < NV; j++) accumulateCodes<bits>(acc[r][j], codes[j], a);
        }
      });
    }
    q += length;
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const auto* head = reinterpret_cast<const float*>(block + j / 2 * panelBytes) + j % 2 * F32::lanes;
      const F32 scale = F32::load(head);
      if (shape.zeros == 0) {
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          sum[r][j] = sum[r][j] + toF32(acc[r][j]) * (scale * F32::set(x.scale[r * x.groups + g]));
        }
      } else {
        const F32 z = F32::load(head + kLowBitNr);
        DSNK_UNROLL for (int r = 0; r < MR; r++) {
          const F32 whole = toF32(acc[r][j]) - z * F32::set(static_cast<float>(x.sum[r * x.groups + g]));
          sum[r][j] = sum[r][j] + whole * (scale * F32::set(x.scale[r * x.groups + g]));
        }
      }
    }
    block += shape.blockBytes();
  }
  DSNK_UNROLL for (int r = 0; r < MR; r++) {
    DSNK_UNROLL for (int j = 0; j < NV; j++) {
      const int64_t at = j * F32::lanes;
      storeResult(sum[r][j], bias == nullptr ? nullptr : bias + at, y + r * ldc + at, columns - at);
    }
  }
}

template <int bits>
static void codeProduct(const LowBitGemmParams& p, const Work& w) {
  const LowBitShape shape = lowBitShape(p, kLowBitNr);
  const LowBitPart part = lowBitPart(p.m, shape.panels(), kCodeRows, w.tile, w.tiles);
  const int64_t panelBytes = shape.panelBytes(), kPadded = shape.kPadded(), groups = shape.groups();
  const auto rowsAt = [&](int64_t row) {
    return CodeRows{w.at<const int8_t>(1) + row * kPadded, w.at<const float>(2) + row * groups,
                    w.at<const int32_t>(3) + row * groups, kPadded, groups};
  };
  const auto tile = [&](auto rows, auto panels, int64_t row, int64_t panel) {
    const int64_t column = panel * kLowBitNr;
    const float* bias = w.operand[5] == nullptr ? nullptr : w.at<const float>(5) + column;
    codeTile<bits, decltype(rows)::value, decltype(panels)::value>(
        shape, p.zero, rowsAt(row), w.at<const uint8_t>(4) + panel * panelBytes, w.at<float>(0) + row * p.ldc + column,
        p.ldc, bias, p.n - column);
  };
  // So many rows that their integers stay in the second level while the panels go by.
  const int64_t atOnce = roundUp(262144 / (kPadded + 1) + 1, kCodeRows);
  for (int64_t row = part.rows.begin; row < part.rows.end; row += atOnce) {
    const int64_t end = part.rows.end - row < atOnce ? part.rows.end : row + atOnce;
    int64_t panel = part.panels.begin;
    if (end - row == 1) {
      for (; part.panels.end - panel >= kCodePanels; panel += kCodePanels) {
        tile(Constant<1>{}, Constant<kCodePanels>{}, row, panel);
      }
    }
    for (; panel < part.panels.end; panel++) {
      eachRows<kCodeRows>(row, end, [&](auto rows, int64_t first) { tile(rows, Constant<1>{}, first, panel); });
    }
  }
}

static Fault lowBitGemm(const Work& w) {
  const auto& p = w.as<LowBitGemmParams>();
  if (p.bits == 8) codeProduct<8>(p, w);
  if (p.bits == 4) codeProduct<4>(p, w);
  if (p.bits == 3) codeProduct<3>(p, w);
  if (p.bits == 2) codeProduct<2>(p, w);
  return Fault::none;
}
