// The contracts of matrix product and convolution in bytes. The formula stands in product.inl and ending.inl.
#include "kernels/conv/geometry.h"
#include "kernels/integer/product.h"
#include "kernels/integer/strip.h"
#include "kernels/integer/verify.h"

namespace dsnk {

static Size rows(int64_t m, int64_t stride, int64_t n) { return Size(m - 1) * Size(stride) + Size(n); }

static Size packedBytes(const NarrowProduct& shape) {
  const Size panel = Size(shape.kPadded()) * Size(shape.nr) + Size(shape.head);
  return Size(ceilDiv(shape.n, shape.nr)) * panel * Size(shape.batch) * Size(shape.bytes);
}

static const char* verifyGemm(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerGemmParams>();
  if (!isDim(p.m) || !isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  for (int64_t stride : {p.lda, p.ldc, p.residualRow}) {
    if (!isStride(stride)) return "row strides must be in [0, 2^48]";
  }
  if (p.m == 0 || p.n == 0) return nullptr;
  if (p.ldc < p.n) return "ldc must be at least n";
  if (!(rows(p.m, p.ldc, p.n) * integerElementBytes(p)).fits(c.operandBytes[0])) return "output must hold its strides";
  if (const char* wrong = verifyIntegerEnding(p, c, p.n, rows(p.m, p.residualRow, p.n))) return wrong;
  if (p.k == 0) return nullptr;
  if (!rows(p.m, p.lda, p.k).fits(c.operandBytes[1])) return "a must hold its strides";
  return packedBytes(integerProductOf(p, IntegerRow(kernel))).fits(c.operandBytes[2]) ? nullptr
                                                                                      : "packed b must hold its panels";
}

static const char* verifyConv(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerConvolutionParams>();
  Size out(0);
  if (const char* wrong = convVerifyGeometry(p, c, /*xBytes=*/1, integerElementBytes(p), out)) return wrong;
  if (!isIntegerByte(p.padding)) return "padding must be a byte";
  if (const char* wrong = verifyIntegerEnding(p, c, p.outChannels, out * Size(p.outChannels))) return wrong;
  const NarrowProduct shape = integerProductOf(p, IntegerRow(kernel));
  return shape.k == 0 || packedBytes(shape).fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

template <class P>
static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(integerProductOf(*static_cast<const P*>(params), IntegerRow(k)), threads);
}

template <class P>
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return integerProductOf(*static_cast<const P*>(params), IntegerRow(k)).scratchBytes();
}

static const char* verifyStrips(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerConvolutionParams>();
  Size out(0);
  if (const char* wrong = convVerifyGeometry(p, c, /*xBytes=*/1, integerElementBytes(p), out)) return wrong;
  if (p.group != 1 || p.inSize[0] != 1 || p.outSize[0] != 1 || p.kernel[0] != 1 || p.strides[0] != 1 || p.pads[0] != 0)
    return "a convolution by rows must be of one group over two dimensions";
  for (int a = 0; a < 3; a++) {
    if (p.dilations[a] != 1 || p.strides[a] > 8 || p.kernel[a] > 16) return "kernel and strides must be small";
  }
  if (p.channels > 4096) return "channels must be at most 4096";
  if (p.outSize[2] < kStripWidth) return "rows must be as wide as a tile";
  // So that copied rows are not larger than those there are.
  const ConvStrip strip(p, kernel.kr);
  if (p.inSize[1] == 0 || strip.pixels > p.inSize[2] + kStripPadding) return "padding must be small";
  if (!isIntegerByte(p.padding)) return "padding must be a byte";
  if (const char* wrong = verifyIntegerEnding(p, c, p.outChannels, out * Size(p.outChannels))) return wrong;
  const Size panel = Size(strip.quads * 4 * p.kernel[1] * kernel.nr) + Size(integerHead(kernel.kr));
  return (Size(ceilDiv(p.outChannels, kernel.nr)) * panel).fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

static uint32_t stripTiles(const Kernel& kernel, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const IntegerConvolutionParams*>(params);
  if (p.batch == 0 || p.outChannels == 0 || p.outSize[1] == 0) return 0;
  const int64_t k = ConvStrip(p, kernel.kr).quads * 4 * p.kernel[1] + 16;
  return tilesFor(p.batch * ceilDiv(p.outSize[1], kStripRows), kStripRows * p.outSize[2] * k * p.outChannels / 16,
                  threads);
}

static uint64_t stripScratch(const Kernel& kernel, const void* params) {
  const auto& p = *static_cast<const IntegerConvolutionParams*>(params);
  const ConvStrip strip(p, kernel.kr);
  return p.batch == 0 ? 0 : static_cast<uint64_t>(strip.rows * strip.rowBytes);
}

// y, a, packed b, bias, multipliers?, residual?, addend?
extern const Contract gemm_i8_contract{"gemm_i8",
                                       "wrrrooo",
                                       0,
                                       sizeof(IntegerGemmParams),
                                       false,
                                       verifyGemm,
                                       tiles<IntegerGemmParams>,
                                       scratchBytes<IntegerGemmParams>};
extern const Contract conv_rows_i8_contract{"conv_rows_i8", "wrrrooo",    0,          sizeof(IntegerConvolutionParams),
                                            false,          verifyStrips, stripTiles, stripScratch};
extern const Contract conv_i8_contract{"conv_i8",
                                       "wrrrooo",
                                       0,
                                       sizeof(IntegerConvolutionParams),
                                       false,
                                       verifyConv,
                                       tiles<IntegerConvolutionParams>,
                                       scratchBytes<IntegerConvolutionParams>};

}  // namespace dsnk
