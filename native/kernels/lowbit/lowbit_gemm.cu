// Computes  y[i,n] = Σ_g (Σ_{k in g} u[k,n]·q[i,k] - z[g,n]·S[i,g])·(s[g,n]·t[i,g]) + bias[n]: product.inl on a GPU
// Shapes    as product.inl has them
// Numerics  as there: the sum in a group is exact, everything after it one rounding each, g ascending, nothing fused: the bits of
//           every other row
// Tiling    few rows: a block of eight warps has a panel of 32 columns and up to eight rows. A warp takes every eighth group:
//           half of it one unit, half the next, each lane a word of two columns, whose bytes DP4A multiplies by the row's.
//           Terms of 32 groups wait in shared memory, where a warp for each row adds them in order.
//           Many rows, on tensor cores: a warp has a panel and 32 rows; codes go from their words straight into the fragments
//           of A, since a lane's word of a unit is a column's quad of k; rows are B. The sums of a group become floats in
//           registers. nvcc 13, sm_80, registers: one row 79, four 108, eight 125, many 167; none spilled
// Packing   lowbit_pack with nr 32
// Source    our own; fragments: PTX ISA, mma.m16n8k32
#include "kernels/lowbit/lowbit.cuh"

namespace dsnk {

// What a group adds to a sum.
__device__ __forceinline__ float termOf(const LowBitGemmParams& p, int32_t codes, int32_t all, float scale, float off,
                                        float factor) {
  if (p.zeros == 0) {
    const auto sum = static_cast<uint32_t>(codes) - static_cast<uint32_t>(p.zero) * static_cast<uint32_t>(all);
    return static_cast<float>(static_cast<int32_t>(sum)) * (scale * factor);
  }
  return (static_cast<float>(codes) - off * static_cast<float>(all)) * (scale * factor);
}

template <int MR, int bits>
__device__ __forceinline__ void fewRows(const GpuWork& w, const LowBitGemmParams& p) {
  using Terms = float[MR][kLowBitGpuNr];
  auto* const terms = reinterpret_cast<Terms*>(shared_memory());  // of each group of a round
  const LowBitPanels panels(p);
  const int64_t panelNumber = divide(blockIdx.x, w.number[kLowBitDown]).whole;
  const int64_t kPadded = (p.k + kUnit - 1) / kUnit * kUnit,
                first = (blockIdx.x - panelNumber * w.number[kLowBitDown]) * MR;
  const int rows = static_cast<int>(p.m - first < MR ? p.m - first : MR), half = lane() / kHalf, at = lane() % kHalf;
  const auto* x = w.at<const int8_t>(1) + first * kPadded;
  const bool whole = grainOf(x, 0) == 16;
  const auto* factors = w.at<const float>(2) + first * panels.groups;
  const auto* all = w.at<const int32_t>(3) + first * panels.groups;
  const std::byte* panel = w.at<const std::byte>(4) + panelNumber * panels.panelBytes;
  float sum = 0.0f;
  for (int64_t g0 = 0; g0 < panels.groups; g0 += kLowBitRound) {
    const int count = static_cast<int>(panels.groups - g0 < kLowBitRound ? panels.groups - g0 : kLowBitRound);
    for (int i = warp(); i < count; i += 8) {
      const int64_t g = g0 + i;
      const std::byte* block = panel + g * panels.blockBytes;
      const auto* words = reinterpret_cast<const uint32_t*>(block + panels.headBytes) + half * bits * kHalf;
      const int8_t* q = x + g * panels.group + half * kUnit;
      int32_t sums[MR][2] = {};
      const int units = panels.unitsOf(g);
#pragma unroll 2
      for (int u = half; u < units; u += 2, words += 2 * bits * kHalf, q += 2 * kUnit) {
        uint32_t codes[4][2];
#pragma unroll
        for (int j = 0; j < 4; j++) {
          codes[j][0] = codesOf<bits>(words, at, j, 0);
          codes[j][1] = codesOf<bits>(words, at, j, 1);
        }
#pragma unroll
        for (int r = 0; r < MR; r++) {
          if (r >= rows) break;
          const int8_t* row = q + r * kPadded;
          u32x4 quads;
          if (whole) {
            quads = load16(row);
          } else {
#pragma unroll
            for (int j = 0; j < 4; j++) quads.v[j] = loadBytes(reinterpret_cast<const uint8_t*>(row) + 4 * j, 4, false);
          }
#pragma unroll
          for (int j = 0; j < 4; j++) {
            sums[r][0] = dot4_u8s8(sums[r][0], codes[j][0], quads.v[j]);
            sums[r][1] = dot4_u8s8(sums[r][1], codes[j][1], quads.v[j]);
          }
        }
      }
      // Both halves of the warp have sums of all columns: each keeps those of its half, so that lane l has column l.
      const auto* head = reinterpret_cast<const float*>(block);
      const float scale = head[lane()], off = p.zeros != 0 ? head[kLowBitGpuNr + lane()] : 0.0f;
#pragma unroll
      for (int r = 0; r < MR; r++) {
        const int32_t own = half == 0 ? sums[r][0] : sums[r][1], other = half == 0 ? sums[r][1] : sums[r][0];
        const auto codes =
            static_cast<int32_t>(static_cast<uint32_t>(own) + static_cast<uint32_t>(shuffle_xor(other, kHalf)));
        if (r >= rows) continue;
        const int64_t place = r * panels.groups + g;
        terms[i][r][lane()] = termOf(p, codes, all[place], scale, off, factors[place]);
      }
    }
    sync_block();
    if (warp() < rows) {
      for (int i = 0; i < count; i++) sum = sum + terms[i][warp()][lane()];
    }
    sync_block();
  }
  const int64_t column = panelNumber * kLowBitGpuNr + lane();
  if (warp() >= rows || column >= p.n) return;
  const auto* bias = w.at<const float>(5);
  if (bias != nullptr) sum = sum + bias[column];
  w.at<float>(0)[(first + warp()) * p.ldc + column] = sum;
}

// A fragment of both halves of a panel's columns from one unit: rows l / 4 and l / 4 + 8, quad l % 4.
template <int bits>
__device__ __forceinline__ void fragmentOf(const uint32_t* words, uint32_t (&a)[2][4], int second) {
  const int at = lane() / 4, q = lane() % 4;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    a[h][second] = codesOf<bits>(words, at, q, h);
    a[h][second + 1] = codesOf<bits>(words, at + 8, q, h);
  }
}

template <int bits>
__device__ __forceinline__ void manyRows(const GpuWork& w, const LowBitGemmParams& p) {
  constexpr int across = kLowBitWarpRows / 8;
  const LowBitPanels panels(p);
  const int64_t kPadded = (p.k + kUnit - 1) / kUnit * kUnit;
  const int64_t down = w.number[kLowBitDown], four = divide(blockIdx.x, down).whole;
  const int64_t panel = four * kLowBitWarpsAcross + warp() % kLowBitWarpsAcross;
  const int64_t first = ((blockIdx.x - four * down) * kLowBitWarpsDown + warp() / kLowBitWarpsAcross) * kLowBitWarpRows;
  const int64_t column = panel * kLowBitGpuNr;
  if (column >= p.n || first >= p.m) return;  // whole warps, and no barrier follows
  const auto* bytes = w.at<const uint8_t>(1);
  const bool whole = grainOf(bytes, 0) >= 4;
  // Rows beyond the last are read as the last one, and not stored.
  const uint8_t* row[across];
  int64_t place[across][2];
#pragma unroll
  for (int j = 0; j < across; j++) {
    const int64_t r = first + j * 8 + lane() / 4;
    row[j] = bytes + (r < p.m ? r : p.m - 1) * kPadded + lane() % 4 * 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int64_t s = first + j * 8 + lane() % 4 * 2 + i;
      place[j][i] = (s < p.m ? s : p.m - 1) * panels.groups;
    }
  }
  const std::byte* block = w.at<const std::byte>(4) + panel * panels.panelBytes;
  float sum[2][across][4] = {};
  for (int64_t g = 0; g < panels.groups; g++, block += panels.blockBytes) {
    int32_t codes[2][across][4] = {};
    const auto* words = reinterpret_cast<const uint32_t*>(block + panels.headBytes);
    const int units = panels.unitsOf(g);
    for (int u = 0; u < units; u += 2, words += 2 * bits * kHalf) {
      uint32_t a[2][4] = {};
      fragmentOf<bits>(words, a, 0);
      const bool two = u + 1 < units;
      if (two) fragmentOf<bits>(words + bits * kHalf, a, 2);
      const int64_t k = g * panels.group + u * kUnit;
#pragma unroll
      for (int j = 0; j < across; j++) {
        const uint32_t b[2] = {loadBytes(row[j] + k, 4, whole), two ? loadBytes(row[j] + k + kUnit, 4, whole) : 0};
        mma_u8s8(codes[0][j], a[0], b);
        mma_u8s8(codes[1][j], a[1], b);
      }
    }
    const auto* head = reinterpret_cast<const float*>(block) + lane() / 4;
#pragma unroll
    for (int j = 0; j < across; j++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float factor = w.at<const float>(2)[place[j][i] + g];
        const int32_t all = w.at<const int32_t>(3)[place[j][i] + g];
#pragma unroll
        for (int c = 0; c < 4; c++) {
          const int h = c / 2, e = c % 2 * 2 + i;
          const float off = p.zeros != 0 ? head[kLowBitGpuNr + c * 8] : 0.0f;
          sum[h][j][e] = sum[h][j][e] + termOf(p, codes[h][j][e], all, head[c * 8], off, factor);
        }
      }
    }
  }
  const auto* bias = w.at<const float>(5);
#pragma unroll
  for (int c = 0; c < 4; c++) {
    const int64_t n = column + c * 8 + lane() / 4;
    if (n >= p.n) continue;
#pragma unroll
    for (int j = 0; j < across; j++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int64_t r = first + j * 8 + lane() % 4 * 2 + i;
        float v = sum[c / 2][j][c % 2 * 2 + i];
        if (bias != nullptr) v = v + bias[n];
        if (r < p.m) w.at<float>(0)[r * p.ldc + n] = v;
      }
    }
  }
}

template <int MR>
__device__ __forceinline__ void fewRowsOf(const GpuWork& w, const LowBitGemmParams& p) {
  withBits(p.bits, [&](auto bits) { fewRows<MR, decltype(bits)::value>(w, p); });
}

DSNK_ENTRY(256, 2, lowbit_gemm_1, LowBitGemmParams) { fewRowsOf<1>(work, params); }
DSNK_ENTRY(256, 2, lowbit_gemm_4, LowBitGemmParams) { fewRowsOf<4>(work, params); }
DSNK_ENTRY(256, 2, lowbit_gemm_8, LowBitGemmParams) { fewRowsOf<8>(work, params); }
DSNK_ENTRY_FROM(75, 128, 3, lowbit_gemm_many, LowBitGemmParams) {
  withBits(params.bits, [&](auto bits) { manyRows<decltype(bits)::value>(work, params); });
}

}  // namespace dsnk
