// Computes  y[o,i,:] = x[o,k,:] for the i-th k whose condition holds; count = how many there are
// Shapes    y: [outer, count, innerBytes] at the beginning of as much as x; count: i64 [1]; x: [outer, length,
//           innerBytes] condition: bool [conditions]; positions beyond the shorter of both are not taken
// Numerics  bit-equal
// Tiling    one: every position depends on how many came before
// Packing   none
// Source    the ONNX operator definition
#include <cstring>

#include "kernels/dynamic/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<CompressParams>();
  const Size bytes = Size(p.outer) * Size(p.length) * Size(p.innerBytes);
  if (!bytes.fits(c.operandBytes[0])) return "output must hold as much as the input";
  if (!c.holds(1, 8)) return "count must hold one number";
  if (!bytes.fits(c.operandBytes[2])) return "input must hold its shape";
  if (!Size(p.conditions).fits(c.operandBytes[3])) return "condition must hold its length";
  if ((Size(p.length) * Size(p.innerBytes)).bad()) return "shape must have a sound size";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

extern const Contract compress_contract{"compress", "wwrr", 0, sizeof(CompressParams), false, verify, tiles, nullptr};

Fault compress_scalar(const Work& w) {
  const auto& p = w.as<CompressParams>();
  const uint8_t* const condition = w.at<const uint8_t>(3);
  const int64_t n = p.length < p.conditions ? p.length : p.conditions;
  int64_t count = 0;
  for (int64_t k = 0; k < n; k++) count += condition[k] != 0;
  *w.at<int64_t>(1) = count;

  const auto size = static_cast<size_t>(p.innerBytes);
  const int64_t bytes = p.outer * p.length * p.innerBytes;
  if (bytes == 0) return Fault::none;
  std::byte* y = w.at<std::byte>(0);
  const std::byte* x = w.at<const std::byte>(2);
  for (int64_t o = 0; o < p.outer; o++, x += p.length * p.innerBytes) {
    for (int64_t k = 0; k < n; k++) {
      if (condition[k] == 0) continue;
      std::memcpy(y, x + k * p.innerBytes, size);
      y += p.innerBytes;
    }
  }
  std::memset(y, 0, static_cast<size_t>(w.at<std::byte>(0) + bytes - y));
  return Fault::none;
}

}  // namespace dsnk
