// Computes  y[i,n] = Σ_k x[i,k]·((u[k,n] - z[g,n])·s[g,n]) + bias[n], u the codes of the weights, g = ⌊k/group⌋: floats.inl on a
//           GPU
// Shapes    as floats.inl has them
// Numerics  a weight is rounded twice, as DequantizeLinear has it; then 16 chains of fma over k ascending, added in one order,
//           the bias last: |error| ≤ (K + 10)·2^-24·Σ|x||w|, for long k far less
// Tiling    a block of eight warps has a panel of 32 columns and up to eight rows; a warp takes every eighth group: half of it
//           one unit, half the next, each lane a word of two columns. Many rows are many blocks: unpacking is a third of the
//           arithmetic of eight rows. nvcc 13, sm_80, registers: one row 61, eight 152; none spilled
// Packing   lowbit_pack with nr 32
// Source    our own
#include "kernels/lowbit/lowbit.cuh"

namespace dsnk {

// A byte as a float: 2^23 has it in its last bits.
__device__ __forceinline__ float floatOf(uint32_t codes, int byte) {
  return float_of_bits(0x4b000000u | (codes >> 8 * byte & 255)) - 8388608.0f;
}

template <int MR, int bits>
__device__ __forceinline__ void floatRows(const GpuWork& w, const LowBitFloatParams& p) {
  using Sums = float[MR][kLowBitGpuNr];
  auto* const sums = reinterpret_cast<Sums*>(shared_memory());  // of each warp
  const LowBitPanels panels(p);
  const int64_t panelNumber = divide(blockIdx.x, w.number[kLowBitDown]).whole;
  const int64_t first = (blockIdx.x - panelNumber * w.number[kLowBitDown]) * MR;
  const int rows = static_cast<int>(p.m - first < MR ? p.m - first : MR), half = lane() / kHalf, at = lane() % kHalf;
  const auto* x = w.at<const float>(1) + first * p.k;
  const bool whole = grainOf(x, p.k * 4) == 16;
  const std::byte* panel = w.at<const std::byte>(2) + panelNumber * panels.panelBytes;
  float sum[MR][2] = {};
  for (int64_t g = warp(); g < panels.groups; g += 8) {
    const std::byte* block = panel + g * panels.blockBytes;
    const auto* head = reinterpret_cast<const float*>(block);
    const auto* words = reinterpret_cast<const uint32_t*>(block + panels.headBytes) + half * bits * kHalf;
    float scale[2], off[2];
#pragma unroll
    for (int h = 0; h < 2; h++) {
      scale[h] = head[h * kHalf + at];
      off[h] = p.zeros != 0 ? head[kLowBitGpuNr + h * kHalf + at] : static_cast<float>(p.zero);
    }
    const int units = panels.unitsOf(g);
    for (int u = half; u < units; u += 2, words += 2 * bits * kHalf) {
      const int64_t k = g * panels.group + u * kUnit;
      const bool all = p.k - k >= kUnit;
#pragma unroll
      for (int q = 0; q < 4; q++) {
        const uint32_t codes[2] = {codesOf<bits>(words, at, q, 0), codesOf<bits>(words, at, q, 1)};
        float weights[2][4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
          weights[0][j] = (floatOf(codes[0], j) - off[0]) * scale[0];
          weights[1][j] = (floatOf(codes[1], j) - off[1]) * scale[1];
        }
#pragma unroll
        for (int r = 0; r < MR; r++) {
          if (r >= rows) break;
          const float* row = x + r * p.k + k + 4 * q;
          u32x4 v;
          if (whole && all) {
            v = load16(row);
          } else {
#pragma unroll
            for (int j = 0; j < 4; j++) v.v[j] = k + 4 * q + j < p.k ? bits_of_float(row[j]) : 0;
          }
#pragma unroll
          for (int j = 0; j < 4; j++) {
            sum[r][0] = fmaf(float_of_bits(v.v[j]), weights[0][j], sum[r][0]);
            sum[r][1] = fmaf(float_of_bits(v.v[j]), weights[1][j], sum[r][1]);
          }
        }
      }
    }
  }
  // Both halves of a warp have sums of all columns; lane l goes on with column l.
#pragma unroll
  for (int r = 0; r < MR; r++) {
    const float own = half == 0 ? sum[r][0] : sum[r][1], other = half == 0 ? sum[r][1] : sum[r][0];
    sums[warp()][r][lane()] = own + shuffle_xor(other, kHalf);
  }
  sync_block();
  const int64_t column = panelNumber * kLowBitGpuNr + lane();
  if (warp() >= rows || column >= p.n) return;
  float total = sums[0][warp()][lane()];
#pragma unroll
  for (int i = 1; i < 8; i++) total = total + sums[i][warp()][lane()];
  const auto* bias = w.at<const float>(3);
  if (bias != nullptr) total = total + bias[column];
  w.at<float>(0)[(first + warp()) * p.ldc + column] = total;
}

template <int MR>
__device__ __forceinline__ void floatRowsOf(const GpuWork& w, const LowBitFloatParams& p) {
  withBits(p.bits, [&](auto bits) { floatRows<MR, decltype(bits)::value>(w, p); });
}

DSNK_ENTRY(256, 2, lowbit_floats_1, LowBitFloatParams) { floatRowsOf<1>(work, params); }
DSNK_ENTRY(256, 1, lowbit_floats_8, LowBitFloatParams) { floatRowsOf<8>(work, params); }

}  // namespace dsnk
