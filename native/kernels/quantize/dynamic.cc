// Computes  scale = (max(x, 0) - min(x, 0)) / 255; zero = clip(round(-min / scale)); y[i] = clip(round(x[i] / scale) +
//           zero)
// Shapes    y: u8 [count]; scale: f32 [1]; zero: u8 [1]; x: f32 [count]
// Numerics  float32, half to even; where all of x is zero the scale is 1. NaN becomes the zero point
// Tiling    one: the range of all elements comes first
// Packing   none
// Source    the ONNX operator definition
#include <cmath>

#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<DynamicQuantizeParams>();
  if (!Size(p.count).fits(c.operandBytes[0])) return "output must hold `count`";
  if (!c.holds(1, 4) || !c.holds(2, 1)) return "scale and zero must hold one number";
  if (!(Size(p.count) * 4).fits(c.operandBytes[3])) return "input must hold `count`";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

extern const Contract dynamic_quantize_contract{
    "dynamic_quantize", "wwwr", 0, sizeof(DynamicQuantizeParams), false, verify, tiles, nullptr};

// NaN gives `zero`: comparisons with it are false.
static uint8_t quantize(float quotient, float zero) {
  const float v = std::nearbyint(quotient) + zero;
  if (v != v) return static_cast<uint8_t>(zero);
  return v <= 0 ? 0 : v >= 255 ? 255 : static_cast<uint8_t>(v);
}

Fault dynamic_quantize_scalar(const Work& w) {
  const int64_t n = w.as<DynamicQuantizeParams>().count;
  const float* const x = w.at<const float>(3);
  float low = 0, high = 0;
  for (int64_t i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float scale = (high - low) / 255.0f;
  if (scale == 0) scale = 1;
  const uint8_t zero = quantize(-low / scale, 0);
  *w.at<float>(1) = scale;
  *w.at<uint8_t>(2) = zero;
  uint8_t* const y = w.at<uint8_t>(0);
  for (int64_t i = 0; i < n; i++) y[i] = quantize(x[i] / scale, zero);
  return Fault::none;
}

}  // namespace dsnk
