// Computes  per row i and group g of x: t = max|x|/127, q[k] = clamp(rne(x[k]·(127/max|x|))), S = Σ q: rows.inl on a GPU
// Shapes    as rows.inl has them
// Numerics  each quotient and product rounds once: the bits of every other row
// Tiling    a warp a group, up to eight numbers a lane. nvcc 13, sm_80, registers: 36; none spilled
// Packing   none
// Source    none
#include "kernels/integer/bytes.cuh"
#include "kernels/lowbit/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, lowbit_quantize, LowBitQuantizeParams) {
  const int64_t k = params.k, group = params.group, groups = divide(k + group - 1, group).whole,
                kPadded = (k + 15) / 16 * 16;
  for (int64_t unit = int64_t{blockIdx.x} * 8 + warp(); unit < params.m * groups; unit += int64_t{gridDim.x} * 8) {
    const int64_t row = divide(unit, groups).whole, k0 = (unit - row * groups) * group;
    const int n = static_cast<int>(k - k0 < group ? k - k0 : group);
    const float* x = work.at<const float>(3) + row * k + k0;
    int8_t* q = work.at<int8_t>(0) + row * kPadded + k0;
    float v[8];
    // Bits of magnitudes are in the order of the magnitudes, with infinity and NaN on top.
    int32_t top = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int at = i * kWarp + lane();
      v[i] = at < n ? x[at] : 0.0f;
      top = max(top, static_cast<int32_t>(bits_of_float(v[i]) & 0x7fffffffu));
    }
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) top = max(top, shuffle_xor(top, i));
    const float largest = float_of_bits(static_cast<uint32_t>(top));
    const bool finite = top < 0x7f800000, some = finite && !(largest < 7.8886090522101180541e-31f);  // 2^-100
    const float inverse = some ? 127.0f / largest : 0.0f;
    int32_t sum = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int at = i * kWarp + lane();
      if (at >= (n + 15) / 16 * 16) continue;  // zeros up to the end of a unit
      const int whole = some ? static_cast<int>(rintf(v[i] * inverse)) : 0;
      sum += whole;
      q[at] = static_cast<int8_t>(clamp(whole, -128, 127));
    }
    sum = warp_sum(sum);
    if (lane() != 0) continue;
    work.at<float>(1)[unit] = some ? largest / 127.0f : finite ? 0.0f : float_of_bits(0x7fc00000u);
    work.at<int32_t>(2)[unit] = sum;
  }
}

}  // namespace dsnk
