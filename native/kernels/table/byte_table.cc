// The contract of byte_table and its rows.
//
// Computes  y[i] = table[x[i]]
// Shapes    y, x: count bytes; table: 256 bytes
// Numerics  exact
// Tiling    runs of elements. AVX-512 VBMI: VPERMI2B looks into 128 entries, so two of them and a blend by the top bit do
//           64 bytes: as fast as memory. Others with 512 or 256 bits: 16 VPSHUFB, one for each 16 entries, see look-avx2.inl.
//           AArch64: TBL looks into 64 entries of four registers, and four of them are 16 bytes: by llvm-mca 21 cycles on
//           Cortex-A72, 10 on neoverse-n1, where one byte after the other takes 49 and 25. ARMv7 has no such row: VTBL
//           reads 32 entries for 8 bytes, and the table would fill all registers
// Packing   none
// Source    none
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/table/params.gen.h"

namespace dsnk {

#include "kernels/table/look-scalar.inl"

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ByteTableParams>();
  if (!isDim(p.count)) return "count must be in [0, 2^40]";
  const Size bytes(p.count);
  if (!bytes.fits(c.operandBytes[0]) || !bytes.fits(c.operandBytes[1])) return "x and y must hold count bytes";
  return Size(256).fits(c.operandBytes[2]) ? nullptr : "table must hold 256 bytes";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ByteTableParams*>(params);
  return tilesFor(ceilDiv(p.count, 1024), 256, threads);
}

extern const Contract byte_table_contract{"byte_table", "wrr",  1,     sizeof(ByteTableParams),
                                          false,        verify, tiles, nullptr};

Fault byte_table_scalar(const Work& w) {
  const Range r = tileRange(w.as<ByteTableParams>().count, w.tile, w.tiles, 1024);
  lookUp(w.at<const uint8_t>(1) + r.begin, w.at<uint8_t>(0) + r.begin, w.at<const uint8_t>(2), r.end - r.begin);
  return Fault::none;
}

}  // namespace dsnk
