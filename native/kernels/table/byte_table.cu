// Computes  y[i] = table[x[i]]
// Shapes    y, x: count bytes; table: 256 bytes
// Numerics  exact
// Tiling    the table stands in shared memory; a thread looks up sixteen bytes, in one load and store where both are aligned
// Packing   none
// Source    none
#include "kernels/integer/bytes.cuh"
#include "kernels/table/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, byte_table, ByteTableParams) {
  __shared__ uint8_t table[256];
  table[threadIdx.x] = work.at<const uint8_t>(2)[threadIdx.x];
  sync_block();
  const auto* x = work.at<const uint8_t>(1);
  auto* y = work.at<uint8_t>(0);
  const bool whole = grainOf(x, 0) == 16 && grainOf(y, 0) == 16;
  for (int64_t i = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * 16; i < params.count;
       i += int64_t{gridDim.x} * blockDim.x * 16) {
    if (whole && params.count - i >= 16) {
      u32x4 v = load16(x + i);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        uint32_t word = 0;
#pragma unroll
        for (int k = 0; k < 32; k += 8) word |= static_cast<uint32_t>(table[v.v[j] >> k & 255]) << k;
        v.v[j] = word;
      }
      store16(y + i, v);
    } else {
      for (int64_t j = i; j < i + 16 && j < params.count; j++) y[j] = table[x[j]];
    }
  }
}

}  // namespace dsnk
