// The contracts of matrix product and convolution in bytes. The formula stands in product.inl and ending.inl.
#include <initializer_list>

#include "kernels/conv/geometry.h"
#include "kernels/integer/product.h"

namespace dsnk {

static bool isByte(int32_t x) { return x >= 0 && x <= 255; }

// What the ending reads, for n columns of all groups together; `pixels` rows of y are known to be sound.
template <class P>
static const char* verifyEnding(const P& p, const Check& c, int64_t columns, Size residual) {
  if (p.output < 0 || p.output >= kIntegerOutputCount) return "output must be a member of IntegerOutput";
  if ((p.perColumn | 1) != 1) return "flags must be 0 or 1";
  for (int32_t x : {p.zero, p.low, p.high, p.sumZero, p.sumLow, p.sumHigh, p.residualZero}) {
    if (!isByte(x)) return "zero points and bounds must be bytes";
  }
  if (p.low > p.high || p.sumLow > p.sumHigh) return "the lower bound must not be above the upper one";
  if (!(Size(columns) * Size(4)).fits(c.operandBytes[3])) return "bias must hold the columns";
  const auto output = static_cast<IntegerOutput>(p.output);
  if (output != IntegerOutput::i32 && !(Size(p.perColumn != 0 ? columns : 1) * Size(4)).fits(c.operandBytes[4]))
    return "multipliers must be one, or one per column";
  if (c.has(5) && output != IntegerOutput::u8) return "only bytes take a residual";
  if (c.has(5) && !residual.fits(c.operandBytes[5])) return "residual must hold its strides";
  if (c.has(6) && output != IntegerOutput::f32) return "only floats take an addend";
  if (c.has(6) && !(Size(columns) * Size(4)).fits(c.operandBytes[6])) return "addend must hold the columns";
  return nullptr;
}

template <class P>
static Size elementBytes(const P& p) {
  return p.output == static_cast<int32_t>(IntegerOutput::u8) ? 1 : 4;
}

static Size rows(int64_t m, int64_t stride, int64_t n) { return Size(m - 1) * Size(stride) + Size(n); }

static const char* verifyGemm(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerGemmParams>();
  if (!isDim(p.m) || !isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  for (int64_t stride : {p.lda, p.ldc, p.residualRow}) {
    if (!isStride(stride)) return "row strides must be in [0, 2^48]";
  }
  if (p.m == 0 || p.n == 0) return nullptr;
  if (p.ldc < p.n) return "ldc must be at least n";
  if (!(rows(p.m, p.ldc, p.n) * elementBytes(p)).fits(c.operandBytes[0])) return "output must hold its strides";
  if (const char* wrong = verifyEnding(p, c, p.n, rows(p.m, p.residualRow, p.n))) return wrong;
  if (p.k == 0) return nullptr;
  if (!rows(p.m, p.lda, p.k).fits(c.operandBytes[1])) return "a must hold its strides";
  const Size packed = Size(roundUp(p.n, kernel.nr)) * Size(roundUp(p.k, kernel.kr)) * Size(integerWidth(kernel.kr));
  return packed.fits(c.operandBytes[2]) ? nullptr : "packed b must hold its panels";
}

static const char* verifyConv(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<IntegerConvolutionParams>();
  Size out(0);
  if (const char* wrong = convVerifyGeometry(p, c, /*xBytes=*/1, elementBytes(p), out)) return wrong;
  if (!isByte(p.padding)) return "padding must be a byte";
  if (const char* wrong = verifyEnding(p, c, p.outChannels, out * Size(p.outChannels))) return wrong;
  const NarrowProduct shape = integerProductOf(p, IntegerRow(kernel));
  const Size packed =
      Size(roundUp(shape.n, kernel.nr)) * Size(shape.kPadded()) * Size(p.group) * Size(integerWidth(kernel.kr));
  return packed.fits(c.operandBytes[2]) ? nullptr : "weights must be packed";
}

template <class P>
static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  return narrowTiles(integerProductOf(*static_cast<const P*>(params), IntegerRow(k)), threads);
}

template <class P>
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  return integerProductOf(*static_cast<const P*>(params), IntegerRow(k)).scratchBytes();
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
extern const Contract conv_i8_contract{"conv_i8",
                                       "wrrrooo",
                                       0,
                                       sizeof(IntegerConvolutionParams),
                                       false,
                                       verifyConv,
                                       tiles<IntegerConvolutionParams>,
                                       scratchBytes<IntegerConvolutionParams>};

}  // namespace dsnk
