// Computes  y = 0, then y[index[i]] = x[i] in order
// Shapes    y: f32 [planes, …to]; x: f32 [elements]; index: i64 [elements], counting through [planes, …from]
// Numerics  bit-equal; of equal indices the last one stays
// Tiling    one: where an element goes depends on the contents
// Packing   none
// Source    the ONNX operator definition
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/vision/params.gen.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<MaxUnpoolParams>();
  for (int32_t d = 0; d < 3; d++) {
    if (p.from[d] < 1 || p.to[d] < p.from[d]) return "lengths must be positive, those of the output no smaller";
  }
  if (!(Size(p.planes) * Size(p.to[0]) * Size(p.to[1]) * Size(p.to[2]) * 4).fits(c.operandBytes[0])) {
    return "output must hold its shape";
  }
  if (!(Size(p.elements) * 4).fits(c.operandBytes[1])) return "input must hold its elements";
  if (!(Size(p.elements) * 8).fits(c.operandBytes[2])) return "index must hold one number per element";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

extern const Contract max_unpool_contract{"max_unpool", "wrr",  0,     sizeof(MaxUnpoolParams),
                                          false,        verify, tiles, nullptr};

Fault max_unpool_f32_scalar(const Work& work) {
  const auto& p = work.as<MaxUnpoolParams>();
  if (p.planes == 0) return p.elements == 0 ? Fault::none : Fault::indexOutOfRange;
  const int64_t from = p.from[0] * p.from[1] * p.from[2], to = p.to[0] * p.to[1] * p.to[2];
  float* const y = work.at<float>(0);
  const float* const x = work.at<const float>(1);
  const int64_t* const index = work.at<const int64_t>(2);
  std::memset(y, 0, static_cast<size_t>(p.planes * to) * sizeof(float));
  for (int64_t i = 0; i < p.elements; i++) {
    if (index[i] < 0 || index[i] >= p.planes * from) return Fault::indexOutOfRange;
    const int64_t plane = index[i] / from, at = index[i] % from;
    const int64_t w = at % p.from[2], h = at / p.from[2] % p.from[1], d = at / (p.from[2] * p.from[1]);
    y[plane * to + (d * p.to[1] + h) * p.to[2] + w] = x[i];
  }
  return Fault::none;
}

}  // namespace dsnk
