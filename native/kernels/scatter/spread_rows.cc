// Computes  the first n = count[0] + extra rows of every block: y[o, i, :] = x[o, i, :], and zeros behind them where y has
//           blocks of `capacity`. What a caller feeds and gets is dense; what is appended to has room behind it
// Shapes    blocks of n rows on one side (x, or with `dense` y), of `capacity` rows on the other; count: int64[1]
// Numerics  bit-equal; a count outside [0, capacity - extra] is a fault
// Tiling    ranges of blocks. What y has behind n dense rows is left as it was: nobody reads it
// Packing   none
// Source    none
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/scatter/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<SpreadRowsParams>();
  const Size bytes = Size(p.outer) * Size(p.capacity) * Size(p.rowBytes);
  if (!isDim(p.capacity) || p.extra < 0 || p.extra > p.capacity) return "extra must be from 0 to capacity";
  for (int32_t i = 0; i < 2; i++)
    if (!bytes.fits(c.operandBytes[i])) return "input and output must hold outer x capacity rows";
  if (c.operandBytes[2] < 8) return "count must hold a number";
  // Bounds the work: blocks without bytes are none.
  if (bytes.value() == 0 && p.outer != 0) return "blocks must not be empty";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const SpreadRowsParams*>(params);
  return tilesFor(p.outer, p.capacity * p.rowBytes, threads, 256 * 1024);
}

}  // namespace

extern const Contract spread_rows_contract{"spread_rows", "wrr",  0,     sizeof(SpreadRowsParams),
                                           false,         verify, tiles, nullptr};

Fault spread_rows_scalar(const Work& w) {
  const auto& p = w.as<SpreadRowsParams>();
  const int64_t count = *w.at<const int64_t>(2);
  if (count < 0 || count > p.capacity - p.extra) return Fault::indexOutOfRange;
  const Range range = tileRange(p.outer, w.tile, w.tiles);
  std::byte* y = w.at<std::byte>(0);
  const std::byte* x = w.at<const std::byte>(1);
  const int64_t whole = p.capacity * p.rowBytes, part = (count + p.extra) * p.rowBytes;
  for (int64_t o = range.begin; o < range.end; o++) {
    std::byte* to = y + o * (p.dense != 0 ? part : whole);
    std::memcpy(to, x + o * (p.dense != 0 ? whole : part), static_cast<size_t>(part));
    if (p.dense == 0) std::memset(to + part, 0, static_cast<size_t>(whole - part));
  }
  return Fault::none;
}

}  // namespace dsnk
