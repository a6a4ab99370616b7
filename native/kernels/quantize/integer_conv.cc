// Computes  sum[n,m,o] = Σ(c,k) (x[n,c,o·stride+k·dilation-pad] - xZero) · (w[m,c,k] - wZero[m]); conv_integer gives
//           the sum, qlinear_conv clip(round((sum + bias[m]) · xScale · wScale[m] / yScale) + yZero)
// Shapes    y: [batches, outC, …out]; x: [batches, channels, …image]; w: [outC, channels/groups, …kernel], three axes
// Numerics  int32 sums, wrapping: bit-equal; padding is the zero point; one float32 product and rounding half to even
// Tiling    one plane of y a unit
// Packing   none
// Source    the ONNX operator definition
#include <initializer_list>

#include "kernels/kernel.h"
#include "kernels/quantize/params.gen.h"
#include "kernels/quantize/requantize.h"
#include "kernels/sizes.h"

namespace dsnk {

static Size product(const int64_t* dims) { return Size(dims[0]) * Size(dims[1]) * Size(dims[2]); }

static const char* verify(const Kernel&, const Check& c, bool quantized) {
  const auto& p = c.as<IntegerConvParams>();
  constexpr int64_t kMost = 1 << 28;
  if (p.channels < 1 || p.outC < 1 || p.groups < 1) return "channels and groups must be positive";
  if (p.channels % p.groups != 0 || p.outC % p.groups != 0) return "groups must divide the channels";
  for (int32_t d = 0; d < 3; d++) {
    for (const int64_t v : {p.image[d], p.kernel[d], p.strides[d], p.dilations[d]}) {
      if (v < 1 || v > kMost) return "lengths, strides and dilations must be in [1, 2^28]";
    }
    if (p.out[d] < 0 || p.out[d] > kMost || p.pads[d] < 0 || p.pads[d] > kMost)
      return "output lengths and pads must be in [0, 2^28]";
  }
  const Size planes = Size(p.batches) * Size(p.outC);
  if (planes.bad() || product(p.out).bad()) return "shape must have a sound size";
  if (!(planes * product(p.out) * (quantized ? 1 : 4)).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.batches) * Size(p.channels) * product(p.image)).fits(c.operandBytes[1]))
    return "input must hold its shape";
  if (!(Size(p.outC) * Size(p.channels / p.groups) * product(p.kernel)).fits(c.operandBytes[2]))
    return "weight must hold its shape";
  if (c.has(3) && !c.holds(3, 1)) return "xZero must hold one number";
  if (p.wZeros != 1 && p.wZeros != p.outC) return "wZero must be one, or one per output channel";
  if (c.has(4) && !Size(p.wZeros).fits(c.operandBytes[4])) return "wZero must hold its numbers";
  if (!quantized) return nullptr;
  if (p.wScales != 1 && p.wScales != p.outC) return "wScale must be one, or one per output channel";
  if (!c.holds(5, 4) || !c.holds(7, 4)) return "xScale and yScale must hold one number";
  if (!(Size(p.wScales) * 4).fits(c.operandBytes[6])) return "wScale must hold its numbers";
  if (c.has(9) && !(Size(p.outC) * 4).fits(c.operandBytes[9])) return "bias must hold one number per output channel";
  return nullptr;
}

static const char* verifyInteger(const Kernel& k, const Check& c) { return verify(k, c, false); }
static const char* verifyQuantized(const Kernel& k, const Check& c) { return verify(k, c, true); }

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const IntegerConvParams*>(params);
  const Size out = product(p.out);
  return out.value() == 0 ? 0 : tilesFor(p.batches * p.outC, static_cast<int64_t>(out.value()), threads, 4096);
}

extern const Contract conv_integer_contract{"conv_integer", "wrroo",       0,     sizeof(IntegerConvParams),
                                            false,          verifyInteger, tiles, nullptr};
extern const Contract qlinear_conv_contract{"qlinear_conv", "wrroorrroo",    0,     sizeof(IntegerConvParams),
                                            false,          verifyQuantized, tiles, nullptr};

// The kernel positions [begin, end) whose input lies inside.
static Range inside(int64_t origin, int64_t dilation, int64_t kernel, int64_t length) {
  const int64_t begin = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  const int64_t end = origin >= length ? 0 : (length - origin + dilation - 1) / dilation;
  return {begin, end < kernel ? end : kernel};
}

// finish(index of y, m, sum)
template <class X, class W, class F>
static void eachOutput(const Work& work, F finish) {
  const auto& p = work.as<IntegerConvParams>();
  const int32_t xZero = work.operand[3] ? *work.at<const X>(3) : 0;
  const W* const wZeros = work.at<const W>(4);
  const int64_t depth = p.channels / p.groups, image = p.image[0] * p.image[1] * p.image[2];
  const int64_t kernel = p.kernel[0] * p.kernel[1] * p.kernel[2], out = p.out[0] * p.out[1] * p.out[2];
  const Range planes = tileRange(p.batches * p.outC, work.tile, work.tiles);
  for (int64_t u = planes.begin; u < planes.end; u++) {
    const int64_t n = u / p.outC, m = u % p.outC, group = m / (p.outC / p.groups);
    const int32_t wZero = wZeros ? wZeros[p.wZeros == 1 ? 0 : m] : 0;
    const X* const x0 = work.at<const X>(1) + (n * p.channels + group * depth) * image;
    const W* const w0 = work.at<const W>(2) + m * depth * kernel;
    for (int64_t o = 0; o < out; o++) {
      const int64_t at[3] = {o / (p.out[1] * p.out[2]), o / p.out[2] % p.out[1], o % p.out[2]};
      int64_t origin[3];
      Range k[3];
      for (int32_t d = 0; d < 3; d++) {
        origin[d] = at[d] * p.strides[d] - p.pads[d];
        k[d] = inside(origin[d], p.dilations[d], p.kernel[d], p.image[d]);
      }
      uint32_t sum = 0;
      for (int64_t c = 0; c < depth; c++) {
        for (int64_t a = k[0].begin; a < k[0].end; a++) {
          for (int64_t b = k[1].begin; b < k[1].end; b++) {
            const int64_t row = (origin[0] + a * p.dilations[0]) * p.image[1] + origin[1] + b * p.dilations[1];
            const X* const x = x0 + c * image + row * p.image[2] + origin[2];
            const W* const w = w0 + c * kernel + (a * p.kernel[1] + b) * p.kernel[2];
            for (int64_t e = k[2].begin; e < k[2].end; e++) {
              sum += static_cast<uint32_t>((x[e * p.dilations[2]] - xZero) * (w[e] - wZero));
            }
          }
        }
      }
      finish(u * out + o, m, static_cast<int32_t>(sum));
    }
  }
}

template <class X, class W>
static Fault convInteger(const Work& w) {
  eachOutput<X, W>(w, [&](int64_t i, int64_t, int32_t sum) { w.at<int32_t>(0)[i] = sum; });
  return Fault::none;
}

template <class X, class W, class Y>
static Fault qlinearConv(const Work& w) {
  const auto& p = w.as<IntegerConvParams>();
  const float xScale = *w.at<const float>(5), yScale = *w.at<const float>(7);
  const float* const wScale = w.at<const float>(6);
  const Y zero = w.operand[8] ? *w.at<const Y>(8) : Y{0};
  const int32_t* const bias = w.at<const int32_t>(9);
  eachOutput<X, W>(w, [&](int64_t i, int64_t m, int32_t sum) {
    const uint32_t total = static_cast<uint32_t>(sum) + static_cast<uint32_t>(bias ? bias[m] : 0);
    const float scale = xScale * wScale[p.wScales == 1 ? 0 : m] / yScale;
    w.at<Y>(0)[i] = requantize<Y>(static_cast<int32_t>(total), scale, zero);
  });
  return Fault::none;
}

Fault conv_integer_u8u8_scalar(const Work& w) { return convInteger<uint8_t, uint8_t>(w); }
Fault conv_integer_u8i8_scalar(const Work& w) { return convInteger<uint8_t, int8_t>(w); }
Fault conv_integer_i8u8_scalar(const Work& w) { return convInteger<int8_t, uint8_t>(w); }
Fault conv_integer_i8i8_scalar(const Work& w) { return convInteger<int8_t, int8_t>(w); }

Fault qlinear_conv_u8u8u8_scalar(const Work& w) { return qlinearConv<uint8_t, uint8_t, uint8_t>(w); }
Fault qlinear_conv_u8i8u8_scalar(const Work& w) { return qlinearConv<uint8_t, int8_t, uint8_t>(w); }
Fault qlinear_conv_i8i8i8_scalar(const Work& w) { return qlinearConv<int8_t, int8_t, int8_t>(w); }
Fault qlinear_conv_i8u8i8_scalar(const Work& w) { return qlinearConv<int8_t, uint8_t, int8_t>(w); }

}  // namespace dsnk
