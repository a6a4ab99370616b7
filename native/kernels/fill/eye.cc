// Computes  y[r, c] = the first elementBytes of `pattern` where c = r + k, else 0
// Shapes    y: rows x columns
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
  const auto& p = c.as<EyeParams>();
  if (!isElementSize(p.elementBytes)) return "elements must have 1, 2, 4, 8 or 16 bytes";
  if (p.diagonal < -kMostDiagonal || p.diagonal > kMostDiagonal) return "the diagonal must be within 2^60";
  const int64_t dims[] = {p.rows, p.columns};
  return denseFits(dims, 2, p.elementBytes, c.operandBytes[0]) ? nullptr : "output must hold the dimensions";
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const EyeParams*>(params);
  return p.columns == 0 ? 0 : tilesFor(p.rows, p.columns * p.elementBytes, threads, 128 * 1024);
}

}  // namespace

extern const Contract eye_contract{"eye", "w", 0, sizeof(EyeParams), false, verify, tiles, nullptr};

Fault eye_scalar(const Work& w) {
  const auto& p = w.as<EyeParams>();
  const Range r = tileRange(p.rows, w.tile, w.tiles);
  const int64_t rowBytes = p.columns * p.elementBytes;
  std::byte* y = w.at<std::byte>(0);
  std::memset(y + r.begin * rowBytes, 0, static_cast<size_t>((r.end - r.begin) * rowBytes));
  for (int64_t row = r.begin; row < r.end; row++) {
    const int64_t column = row + p.diagonal;
    if (column < 0 || column >= p.columns) continue;
    std::memcpy(y + row * rowBytes + column * p.elementBytes, p.pattern, static_cast<size_t>(p.elementBytes));
  }
  return Fault::none;
}

}  // namespace dsnk
