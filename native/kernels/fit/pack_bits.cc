// Computes  stream bits [i·rowBits + k·bits, + bits) = (codes[i,k] + offset) ^ flip, zeros between rows
// Shapes    stream: bytes, the lowest bit first; codes: u8 [rows, K]
// Numerics  exact
// Tiling    one: rows share bytes
// Packing   this is it: the order of ONNX's types below eight bits, and of MatMulNBits
// Source    none
#include <cstring>

#include "kernels/fit/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static Size bytesOf(const PackBitsParams& p) {
  const Size bits = Size(p.rows) * Size(p.rowBits) + Size(7);
  return bits.bad() ? bits : Size(static_cast<int64_t>(bits.value() / 8));
}

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<PackBitsParams>();
  if (!isDim(p.rows) || !isDim(p.k) || !isStride(p.rowBits)) return "dimensions must be in [0, 2^40]";
  if (p.bits < 1 || p.bits > 8) return "bits must be in [1, 8]";
  if (p.flip < 0 || p.flip > 255 || p.offset < 0 || p.offset > 255) return "offset and flip must be bytes";
  if (!(Size(p.k) * Size(p.bits)).fits(static_cast<uint64_t>(p.rowBits))) return "a row must hold its codes";
  if (!bytesOf(p).fits(c.operandBytes[0])) return "stream must hold the rows";
  return (Size(p.rows) * Size(p.k)).fits(c.operandBytes[1]) ? nullptr : "codes must hold the rows";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t) {
  return static_cast<const PackBitsParams*>(params)->k == 0 ? 0 : 1;  // rows of nothing may be many
}

extern const Contract pack_bits_contract{"pack_bits", "wr", 0, sizeof(PackBitsParams), false, verify, tiles, nullptr};

Fault pack_bits_scalar(const Work& w) {
  const auto& p = w.as<PackBitsParams>();
  auto* to = w.at<uint8_t>(0);
  const auto* codes = w.at<const uint8_t>(1);
  std::memset(to, 0, static_cast<size_t>(bytesOf(p).value()));
  for (int64_t i = 0; i < p.rows; i++) {
    for (int64_t k = 0; k < p.k; k++) {
      const int64_t at = i * p.rowBits + k * p.bits;
      const int code = ((codes[i * p.k + k] + p.offset) ^ p.flip) & ((1 << p.bits) - 1),
                shift = static_cast<int>(at % 8);
      to[at / 8] = static_cast<uint8_t>(to[at / 8] | code << shift);
      if (shift + p.bits > 8) to[at / 8 + 1] = static_cast<uint8_t>(to[at / 8 + 1] | code >> (8 - shift));
    }
  }
  return Fault::none;
}

}  // namespace dsnk
