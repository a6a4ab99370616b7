// Computes  y[o, :] = x0[o, :] ++ x1[o, :] ++ …
// Shapes    y: outer rows of the sum of row bytes, stride bytes apart; xi: outer rows of its own row bytes, dense
// Numerics  bit-equal
// Tiling    ranges of the bytes moved, 128 KB or more: a tile may start anywhere inside a row, so that one long row is
//           shared as well as many short ones
// Packing   none
// Source    none
#include <cstring>

#include "kernels/concat/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

// The tail: low and high word of every input's row bytes.
int64_t rowBytesOf(const void* params, uint32_t i) {
  uint32_t words[2];
  std::memcpy(words, static_cast<const char*>(params) + sizeof(ConcatParams) + i * sizeof words, sizeof words);
  return static_cast<int64_t>(uint64_t{words[1]} << 32 | words[0]);
}

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ConcatParams>();
  const uint32_t inputs = c.operandCount - 1;
  if (inputs == 0) return "there must be an input";
  if (c.paramBytes != sizeof(ConcatParams) + uint64_t{inputs} * 8) return "the tail must name every input's row bytes";
  Size all(0);
  for (uint32_t i = 0; i < inputs; i++) {
    const Size row(rowBytesOf(c.params, i));
    if (row.bad() || !(row * Size(p.outer)).fits(c.operandBytes[1 + i])) return "inputs must hold their rows";
    all = all + row;
  }
  if (all.value() != Size(p.rowBytes).value() || p.rowBytes < 0) return "row bytes must be the sum of the inputs'";
  if (p.stride < p.rowBytes) return "rows must not overlap";
  const Size moved = all * Size(p.outer);
  if (moved.bad()) return "output must hold all rows";
  if (moved.value() > 0 && !(Size(p.outer - 1) * Size(p.stride) + all).fits(c.operandBytes[0]))
    return "output must hold all rows";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ConcatParams*>(params);
  return p.rowBytes == 0 ? 0 : tilesFor(p.outer * p.rowBytes, 1, threads, 128 * 1024);
}

}  // namespace

extern const Contract concat_contract{"concat", "wr*", 0, sizeof(ConcatParams), true, verify, tiles, nullptr};

Fault concat_scalar(const Work& w) {
  const auto& p = w.as<ConcatParams>();
  const uint32_t inputs = w.operandCount - 1;
  const Range range = tileRange(p.outer * p.rowBytes, w.tile, w.tiles, 64);
  std::byte* y = w.at<std::byte>(0);
  for (int64_t at = range.begin; at < range.end;) {
    const int64_t row = at / p.rowBytes;
    int64_t within = at - row * p.rowBytes;
    std::byte* to = y + row * p.stride + within;
    for (uint32_t i = 0; i < inputs && at < range.end; i++) {
      const int64_t bytes = rowBytesOf(w.params, i);
      if (within >= bytes) {  // the tile starts behind this input's part of its first row
        within -= bytes;
        continue;
      }
      int64_t count = bytes - within;
      if (count > range.end - at) count = range.end - at;
      std::memcpy(to, w.at<std::byte>(1 + i) + row * bytes + within, static_cast<size_t>(count));
      to += count;
      at += count;
      within = 0;
    }
  }
  return Fault::none;
}

}  // namespace dsnk
