// Computes  y[b, r, c] = x[b, r, c] where c ≥ r + k (upper) or c ≤ r + k (lower), else 0
// Shapes    y, x: batch x rows x columns, dense
// Numerics  bit-equal
// Tiling    ranges of rows
// Packing   none
// Source    none
#include <cstring>

#include "kernels/fill/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

namespace dsnk {

namespace {

constexpr int64_t kMostDiagonal = int64_t{1} << 60;

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<TriluParams>();
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (p.diagonal < -kMostDiagonal || p.diagonal > kMostDiagonal) return "the diagonal must be within 2^60";
  const int64_t dims[] = {p.batch, p.rows, p.columns};
  for (int32_t i = 0; i < 2; i++)
    if (!denseFits(dims, 3, p.elementBytes, c.operandBytes[i])) return "input and output must hold the dimensions";
  return nullptr;
}

int64_t rowsOf(const TriluParams& p) {
  const int64_t dims[] = {p.batch, p.rows, p.columns};
  return product(dims, 3) == 0 ? 0 : p.batch * p.rows;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const TriluParams*>(params);
  return tilesFor(rowsOf(p), p.columns * p.elementBytes, threads, 128 * 1024);
}

}  // namespace

extern const Contract trilu_contract{"trilu", "wr", 1 << 1, sizeof(TriluParams), false, verify, tiles, nullptr};

Fault trilu_scalar(const Work& w) {
  const auto& p = w.as<TriluParams>();
  const Range r = tileRange(rowsOf(p), w.tile, w.tiles);
  const int64_t rowBytes = p.columns * p.elementBytes;
  for (int64_t row = r.begin; row < r.end; row++) {
    // The kept columns stand on one side of `cut`.
    int64_t cut = row % p.rows + p.diagonal + (p.upper != 0 ? 0 : 1);
    cut = (cut < 0 ? 0 : cut > p.columns ? p.columns : cut) * p.elementBytes;
    std::byte* y = w.at<std::byte>(0) + row * rowBytes;
    const std::byte* x = w.at<const std::byte>(1) + row * rowBytes;
    const int64_t from = p.upper != 0 ? cut : 0, to = p.upper != 0 ? rowBytes : cut;
    if (y != x) std::memcpy(y + from, x + from, static_cast<size_t>(to - from));
    std::memset(y, 0, static_cast<size_t>(from));
    std::memset(y + to, 0, static_cast<size_t>(rowBytes - to));
  }
  return Fault::none;
}

}  // namespace dsnk
