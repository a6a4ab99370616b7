// The contract of `rope`: operands y, x, cos, sin, positions? (lib/kernels/cache.ts).
#include "kernels/cache/cache.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<RopeParams>();
  if (!isDim(p.batch) || !isDim(p.rows) || !isDim(p.heads) || !isDim(p.width) || !isDim(p.tableRows) ||
      !isDim(p.tableWidth))
    return "dimensions must be in [0, 2^40]";
  if (p.rotary < 0 || p.rotary % 2 != 0 || p.rotary > p.width) return "rotary must be even and at most width";
  if (p.tableWidth < p.rotary / 2) return "tableWidth must be at least rotary/2";
  if ((p.interleaved | 1) != 1) return "interleaved must be 0 or 1";
  if (p.positions < 0 || p.positions >= kRopePositionsCount) return "positions must be a member of RopePositions";
  if (!areStrides(p.strideX) || !areStrides(p.strideY)) return "strides must be in [0, 2^48]";
  // The size of the output bounds the work.
  const Size rows = Size(p.batch) * Size(p.rows), all = rows * Size(p.heads) * Size(p.width);
  if (!(all * Size(4)).fits(c.operandBytes[0])) return "y must hold [batch, rows, heads, width]";
  if (!holdsRows(p.strideY, p.batch, p.rows, p.heads, p.width, c.operandBytes[0])) return "y must hold its strides";
  if (!holdsRows(p.strideX, p.batch, p.rows, p.heads, p.width, c.operandBytes[1])) return "x must hold its strides";
  const Size table = Size(p.tableRows) * Size(p.tableWidth) * Size(4);
  if (!table.fits(c.operandBytes[2]) || !table.fits(c.operandBytes[3])) return "cos and sin must hold the tables";
  const auto positions = static_cast<RopePositions>(p.positions);
  if (positions != RopePositions::rows) {
    const bool each = positions == RopePositions::each;
    if (!(each ? rows * Size(8) : Size(p.batch) * Size(4)).fits(c.operandCount > 4 ? c.operandBytes[4] : 0))
      return "positions must hold an int64 for each row, or an int32 for each row of the batch";
  }
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const RopeParams*>(params);
  if (p.heads == 0 || p.width == 0) return 0;
  return tilesFor(p.batch * p.rows, p.heads * p.width, threads, 32768);
}

extern const Contract rope_contract{"rope", "wrrro", 0, sizeof(RopeParams), false, verify, tiles, nullptr};

}  // namespace dsnk
